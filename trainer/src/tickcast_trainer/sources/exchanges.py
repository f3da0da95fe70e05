"""Bars from crypto exchanges, through ccxt: Coinbase, Kraken and Binance.

ccxt paces its requests by itself and knows each exchange's errors. Candles are public, so that no
key is asked for.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import ccxt

from tickcast_trainer.sources.answers import AnswerCache
from tickcast_trainer.sources.received import ReceivedBars, concatenate, page
from tickcast_trainer.sources.remote import (
    BarRequest,
    NotOffered,
    RateLimited,
    RemoteContext,
    RemoteSourceError,
)
from tickcast_trainer.sources.retrying import Passing, broken_answer, retry_after, with_retries

_MILLISECONDS = 1000
_T = TypeVar("_T")


def coinbase(context: RemoteContext) -> "Exchange":
    """Make the source of Coinbase's candles."""
    return Exchange(ccxt.coinbase(_settings()), page_bars=300, context=context)


def kraken(context: RemoteContext) -> "Exchange":
    """Make the source of Kraken's candles, which go back 720 bars and no further."""
    return Exchange(ccxt.kraken(_settings()), page_bars=720, context=context)


def binance(context: RemoteContext) -> "Exchange":
    """Make the source of Binance's candles of the spot market."""
    settings = _settings() | {
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
    }
    return Exchange(ccxt.binance(settings), page_bars=1000, context=context)


class Exchange:
    """Candles of one exchange, as traded there; a symbol is called as ccxt calls it: BTC/USD."""

    def __init__(self, client: Any, *, page_bars: int, context: RemoteContext) -> None:
        self.name: str = client.id
        self._client = client
        self._page_bars = page_bars
        self._context = context
        self._cache = AnswerCache(
            context.cache / self.name,
            max_age_seconds=context.max_age_seconds,
            clock=context.clock,
        )
        if url := context.environment.get(f"TICKCAST_SOURCE_{self.name.upper()}_URL"):
            client.urls["api"] = _moved(client.urls["api"], url)

    def fetch(self, request: BarRequest) -> ReceivedBars:
        """Return the candles asked for, page by page."""
        timeframe = str(request.timeframe)
        if timeframe not in self._client.timeframes:
            raise NotOffered(
                f"timeframe: was {timeframe}, needed one of {', '.join(self._client.timeframes)} "
                f"from {self.name}"
            )
        self._load_markets()
        return concatenate(list(self._pages(request)))

    def _load_markets(self) -> None:
        if not self._client.markets:
            load = partial(self._call, partial(self._client.load_markets, True))
            with_retries(load, sleep=self._context.sleep)

    def _pages(self, request: BarRequest) -> Iterator[ReceivedBars]:
        seconds = request.timeframe.seconds
        begin = request.timeframe.floor(request.start + seconds - 1)
        while begin < request.end:
            rows = [row for row in self._page(request, begin) if row[0] >= begin * _MILLISECONDS]
            end = begin + self._page_bars * seconds
            if rows:
                # Some begin with the first candle that there is, however long after the start.
                end = rows[-1][0] // _MILLISECONDS + seconds
            inside = [row for row in rows if row[0] < request.end * _MILLISECONDS]
            yield page(
                [row[0] // _MILLISECONDS for row in inside],
                [row[1:6] for row in inside],
                provenance=f"{self.name}:{request.symbol}:{request.timeframe}:{begin}",
            )
            begin = end

    def _page(self, request: BarRequest, begin: int) -> list[list[Any]]:
        question = {
            "symbol": request.symbol,
            "timeframe": str(request.timeframe),
            "begin": str(begin),
            "bars": str(self._page_bars),
        }
        if (kept := self._cache.get(question)) is not None:
            return _rows(json.loads(kept))

        ask = partial(
            self._client.fetch_ohlcv,
            request.symbol,
            str(request.timeframe),
            since=begin * _MILLISECONDS,
            limit=self._page_bars,
        )
        try:
            found = with_retries(partial(self._call, ask), sleep=self._context.sleep)
        except ccxt.BadSymbol as error:
            raise NotOffered(f"{self.name}: has no {request.symbol}") from error
        rows = _rows(found)
        self._cache.put(question, json.dumps(rows).encode())
        return rows

    def _call(self, function: Callable[[], _T]) -> _T:
        try:
            answer = function()
        except ccxt.BadSymbol:
            raise
        except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
            raise Passing(RateLimited(f"{self.name}: {error}"), retry_after=self._wait()) from error
        except ccxt.NetworkError as error:
            passing = RemoteSourceError(f"{self.name}: {error}")
            raise Passing(passing, retry_after=self._wait()) from error
        except ccxt.BaseError as error:
            raise RemoteSourceError(f"{self.name}: {error}") from error
        if self._client.last_json_response is None:
            # What cannot be parsed ccxt takes for a text without markets or candles.
            self._client.markets = None
            raise broken_answer(self.name, "no JSON")
        return answer

    def _wait(self) -> float | None:
        headers = self._client.last_response_headers or {}
        return retry_after(headers.get("Retry-After"), now=self._context.clock())


def _settings() -> dict[str, Any]:
    return {"enableRateLimit": True, "enableLastJsonResponse": True, "requests_trust_env": True}


def _rows(candles: list[list[Any]]) -> list[list[Any]]:
    # A value that an exchange does not tell is None; as NaN it is no bar, and is named as that.
    return [[float("nan") if value is None else value for value in row] for row in candles]


def _moved(address: Any, base: str) -> Any:
    if isinstance(address, dict):
        return {name: _moved(one, base) for name, one in address.items()}
    to = urlsplit(base)
    return urlunsplit(urlsplit(address)._replace(scheme=to.scheme, netloc=to.netloc))
