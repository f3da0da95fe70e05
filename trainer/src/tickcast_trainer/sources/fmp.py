"""Bars from Financial Modeling Prep: stocks, daily or within the day.

It has no client library of its own. Prices are adjusted for splits and not for dividends, so no
adjusted close is told.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, TypeAdapter

from tickcast_trainer.sources.json_api import JsonApi, not_offered
from tickcast_trainer.sources.keys import base_url, needed_key
from tickcast_trainer.sources.received import ReceivedBars, concatenate, page
from tickcast_trainer.sources.remote import (
    BarRequest,
    NotOffered,
    RateLimited,
    RemoteContext,
    RemoteSourceError,
)
from tickcast_trainer.sources.slots import day_start, day_text, local_instant, stretches

NAME = "fmp"
_URL = "https://financialmodelingprep.com/stable"
_PER_MINUTE = 240.0
_ZONE = "America/New_York"
_DAY = 86_400

# Path, and days that one answer holds: within the day it is cut off beyond them, without a word.
_OFFERED = MappingProxyType(
    {
        "1m": ("/historical-chart/1min", 2),
        "5m": ("/historical-chart/5min", 10),
        "15m": ("/historical-chart/15min", 30),
        "30m": ("/historical-chart/30min", 30),
        "1h": ("/historical-chart/1hour", 90),
        "4h": ("/historical-chart/4hour", 180),
        "1d": ("/historical-price-eod/full", 4 * 365),
    }
)


class _Row(BaseModel):
    date: str
    open: float
    high: float
    low: float
    close: float
    volume: float


_SHAPE = TypeAdapter(list[_Row])
_ERRORS = ("Error Message", "error", "message")


def make(context: RemoteContext) -> "FinancialModelingPrep":
    """Make the source. Raises MissingKey without ``TICKCAST_SOURCE_FMP_KEY``."""
    key = needed_key(NAME, context.environment)
    url = base_url(NAME, context.environment, _URL)
    return FinancialModelingPrep(
        JsonApi(NAME, url, context, per_minute=_PER_MINUTE, key=key, key_header="apikey")
    )


class FinancialModelingPrep:
    """Prices adjusted for splits; times within the day are New York's."""

    name = NAME

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    def fetch(self, request: BarRequest) -> ReceivedBars:
        """Return the bars asked for; a day's bar opens at 00:00 UTC of its date."""
        timeframe = str(request.timeframe)
        if timeframe not in _OFFERED:
            raise not_offered(NAME, timeframe, _OFFERED)
        path, days = _OFFERED[timeframe]
        bars = concatenate(list(self._pages(request, path, days)))
        return bars.take((bars.open_time >= request.start) & (bars.open_time < request.end))

    def _pages(self, request: BarRequest, path: str, days: int) -> Iterator[ReceivedBars]:
        first = request.start // _DAY * _DAY
        for begin, end in stretches(first, request.end, days * _DAY):
            parameters = {
                "symbol": request.symbol,
                "from": day_text(begin),
                "to": day_text(end - 1),
            }
            rows, url = self._api.get(path, parameters, _SHAPE, refuse=self._refuse)
            rows.sort(key=lambda row: row.date)
            yield page(
                [_instant(row.date) for row in rows],
                [[row.open, row.high, row.low, row.close, row.volume] for row in rows],
                provenance=url,
            )

    def _refuse(self, document: Any) -> None:
        if not isinstance(document, dict):
            return
        text = next((document[name] for name in _ERRORS if name in document), None)
        if text is None:
            return
        said = f"{NAME}: said {self._api.hide_key(str(text))!r}"
        lower = str(text).lower()
        if "limit reach" in lower:
            raise RateLimited(said)
        if "subscription" in lower or "premium" in lower:
            raise NotOffered(said)
        raise RemoteSourceError(said)


def _instant(text: str) -> int:
    return day_start(text) if len(text) == len("2020-01-31") else local_instant(text, _ZONE)
