"""Bars from Yahoo Finance, through yfinance: stocks, funds, indices, currencies.

Yahoo undoes splits in all that it tells, and tells an adjusted close that undoes dividends as well.
It has no documents and no promises; yfinance follows its changes.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

import pandas as pd
import yfinance as yf
from tickcast_modelkit.bars import BAR_COLUMNS
from yfinance.exceptions import (
    YFException,
    YFPricesMissingError,
    YFRateLimitError,
    YFTzMissingError,
)

from tickcast_trainer.sources.answers import AnswerCache
from tickcast_trainer.sources.pacing import Pacer
from tickcast_trainer.sources.received import ReceivedBars, concatenate, page
from tickcast_trainer.sources.remote import BarRequest, NotOffered, RateLimited, RemoteContext
from tickcast_trainer.sources.retrying import Passing, broken_answer, with_retries
from tickcast_trainer.sources.slots import stretches

NAME = "yfinance"
_PER_MINUTE = 60.0
_TIMEOUT_SECONDS = 30
_DAY = 86_400
_EVER = 200 * 365 * _DAY

# Yahoo's name, and what one request may span. It keeps 30 days of 1m, 60 of 5m to 30m, 730 of 1h.
_OFFERED = {
    "1m": ("1m", 7 * _DAY),
    "2m": ("2m", 59 * _DAY),
    "5m": ("5m", 59 * _DAY),
    "15m": ("15m", 59 * _DAY),
    "30m": ("30m", 59 * _DAY),
    "1h": ("1h", 729 * _DAY),
    "1d": ("1d", _EVER),
    "1w": ("1wk", _EVER),
}

_log = logging.getLogger(__name__)


def make(context: RemoteContext, *, ticker: Callable[[str], Any] = yf.Ticker) -> "Yahoo":
    """Make the source; ``ticker`` makes what yfinance calls one.

    It sets two options of yfinance, which has them for the whole process: that errors are raised,
    and that what it remembers is kept in our cache.
    """
    yf.config.debug.hide_exceptions = False
    folder = context.cache / NAME
    folder.mkdir(parents=True, exist_ok=True)
    yf.set_tz_cache_location(str(folder))
    return Yahoo(ticker, context)


class Yahoo:
    """Prices adjusted for splits, with a close adjusted for dividends too."""

    name = NAME

    def __init__(self, ticker: Callable[[str], Any], context: RemoteContext) -> None:
        self._ticker = ticker
        self._context = context
        self._pacer = Pacer(per_minute=_PER_MINUTE, clock=context.clock, sleep=context.sleep)
        self._cache = AnswerCache(
            context.cache / NAME, max_age_seconds=context.max_age_seconds, clock=context.clock
        )

    def fetch(self, request: BarRequest) -> ReceivedBars:
        """Return the bars asked for; a day's bar opens at 00:00 UTC of its date."""
        timeframe = str(request.timeframe)
        if timeframe not in _OFFERED:
            raise NotOffered(
                f"timeframe: was {timeframe}, needed one of {', '.join(_OFFERED)} from {NAME}"
            )
        bars = concatenate(self._pages(request))
        return bars.take((bars.open_time >= request.start) & (bars.open_time < request.end))

    def _pages(self, request: BarRequest) -> list[ReceivedBars]:
        interval, span = _OFFERED[str(request.timeframe)]
        pages: list[ReceivedBars] = []
        refusal: NotOffered | None = None
        for begin, end in stretches(request.start, request.end, span):
            try:
                pages.append(self._page(request.symbol, interval, begin, end))
            except NotOffered as error:
                # Stretches longer ago than Yahoo keeps are refused, those after them are not.
                refusal = error
        if refusal is not None and not any(len(one) for one in pages):
            raise refusal
        if refusal is not None:
            _log.warning("%s; what came after it was taken", refusal)
        return pages

    def _page(self, symbol: str, interval: str, begin: int, end: int) -> ReceivedBars:
        question = {
            "symbol": symbol,
            "interval": interval,
            "begin": str(begin),
            "end": str(end),
        }
        kept = self._cache.get(question)
        if kept is None:
            rows = self._ask(symbol, interval, begin, end)
            self._cache.put(question, json.dumps(rows).encode())
        else:
            rows = json.loads(kept)
        return page(
            [int(row[0]) for row in rows],
            [row[1:6] for row in rows],
            adjusted_close=[row[6] for row in rows],
            provenance=f"{NAME}:{symbol}:{interval}:{begin}-{end}",
        )

    def _ask(self, symbol: str, interval: str, begin: int, end: int) -> list[list[float]]:
        attempt = 0

        def ask() -> list[list[float]]:
            nonlocal attempt
            attempt += 1
            self._pacer.wait()
            # yfinance keeps answers for the past in memory, broken ones too, by these very
            # arguments: another timeout is another question.
            return self._history(symbol, interval, begin, end, _TIMEOUT_SECONDS + attempt)

        return with_retries(ask, sleep=self._context.sleep)

    def _history(
        self, symbol: str, interval: str, begin: int, end: int, timeout: int
    ) -> list[list[float]]:
        try:
            frame = self._ticker(symbol).history(
                interval=interval,
                start=pd.Timestamp(begin, unit="s", tz="UTC"),
                end=pd.Timestamp(end, unit="s", tz="UTC"),
                auto_adjust=False,
                actions=False,
                timeout=timeout,
            )
        except YFRateLimitError as error:
            raise Passing(RateLimited(f"{NAME}: {error}")) from error
        except (YFPricesMissingError, YFTzMissingError) as error:
            raise NotOffered(f"{NAME}: {error}") from error
        except (YFException, OSError, ValueError, KeyError, TypeError) as error:
            # Of a body that is cut short or of another shape come whatever errors its parsing has.
            raise broken_answer(NAME, f"nothing usable ({error})") from error
        return _rows(frame, interval)


def _rows(frame: pd.DataFrame, interval: str) -> list[list[float]]:
    if frame.empty:
        return []
    times = pd.DatetimeIndex(frame.index)
    if interval in ("1d", "1wk"):
        # Midnight at the exchange; the date is what counts.
        times = times.tz_localize(None).tz_localize("UTC")
    frame.columns = [str(name).lower().replace(" ", "_") for name in frame.columns]
    values = frame[[*BAR_COLUMNS, "adj_close"]].to_numpy(dtype="float64").tolist()
    seconds = times.as_unit("s").asi8.tolist()
    return [[time, *row] for time, row in zip(seconds, values, strict=True)]
