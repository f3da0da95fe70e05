"""Bars from Alpha Vantage: stocks, daily or within the day.

There is no client of its own, and those of others add a table of functions to the same documents,
which are simple and are read here. Errors come with status 200, as a document of one message.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from pydantic import AliasChoices, BaseModel, Field, TypeAdapter

from tickcast_trainer.sources.json_api import JsonApi, not_offered
from tickcast_trainer.sources.keys import base_url, needed_key
from tickcast_trainer.sources.received import ReceivedBars, concatenate, no_bars, page
from tickcast_trainer.sources.remote import (
    BarRequest,
    NotOffered,
    RateLimited,
    RemoteContext,
    RemoteSourceError,
)
from tickcast_trainer.sources.retrying import Passing
from tickcast_trainer.sources.slots import day_start, local_instant

NAME = "alphavantage"
_URL = "https://www.alphavantage.co"
_PER_MINUTE = 5.0
_MINUTE_SECONDS = 60.0
_INTRADAY = MappingProxyType(
    {"1m": "1min", "5m": "5min", "15m": "15min", "30m": "30min", "1h": "60min"}
)
_OFFERED = {**_INTRADAY, "1d": "daily"}

_log = logging.getLogger(__name__)


class _Row(BaseModel):
    open: float = Field(alias="1. open")
    high: float = Field(alias="2. high")
    low: float = Field(alias="3. low")
    close: float = Field(alias="4. close")
    volume: float = Field(alias="5. volume")


class _AdjustedRow(BaseModel):
    open: float = Field(alias="1. open")
    high: float = Field(alias="2. high")
    low: float = Field(alias="3. low")
    close: float = Field(alias="4. close")
    adjusted_close: float = Field(alias="5. adjusted close")
    volume: float = Field(alias="6. volume")


class _Daily(BaseModel):
    series: dict[str, _Row] = Field(alias="Time Series (Daily)")


class _DailyAdjusted(BaseModel):
    series: dict[str, _AdjustedRow] = Field(alias="Time Series (Daily)")


class _IntradayMeta(BaseModel):
    zone: str = Field(alias="6. Time Zone")


class _Intraday(BaseModel):
    meta: _IntradayMeta = Field(alias="Meta Data")
    series: dict[str, _Row] = Field(
        validation_alias=AliasChoices(*(f"Time Series ({name})" for name in _INTRADAY.values()))
    )


class _Premium(NotOffered):
    pass


class _UnknownCall(NotOffered):
    pass


def make(context: RemoteContext) -> "AlphaVantage":
    """Make the source. Raises MissingKey without ``TICKCAST_SOURCE_ALPHAVANTAGE_KEY``."""
    key = needed_key(NAME, context.environment)
    url = base_url(NAME, context.environment, _URL)
    return AlphaVantage(
        JsonApi(NAME, url, context, per_minute=_PER_MINUTE, key=key, key_parameter="apikey")
    )


class AlphaVantage:
    """Prices as they were traded; daily ones with an adjusted close where the key has it."""

    name = NAME

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    def fetch(self, request: BarRequest) -> ReceivedBars:
        """Return the bars asked for; a day's bar opens at 00:00 UTC of its date."""
        timeframe = str(request.timeframe)
        if timeframe not in _OFFERED:
            raise not_offered(NAME, timeframe, _OFFERED)
        if timeframe == "1d":
            bars = self._daily(request)
        else:
            bars = concatenate(list(self._months(request, _INTRADAY[timeframe])))
        return bars.take((bars.open_time >= request.start) & (bars.open_time < request.end))

    def _daily(self, request: BarRequest) -> ReceivedBars:
        parameters = {
            "function": "TIME_SERIES_DAILY_ADJUSTED",
            "symbol": request.symbol,
            "outputsize": "full",
        }
        try:
            adjusted, url = self._get(parameters, TypeAdapter(_DailyAdjusted))
        except _Premium:
            _log.warning(
                "%s: this key has no adjusted closes; %s is as traded, splits and all",
                NAME,
                request.symbol,
            )
            parameters["function"] = "TIME_SERIES_DAILY"
            daily, url = self._get(parameters, TypeAdapter(_Daily))
            return _daily_page(dict(daily.series), None, url)
        closes = [row.adjusted_close for _, row in sorted(adjusted.series.items())]
        return _daily_page(dict(adjusted.series), closes, url)

    def _months(self, request: BarRequest, interval: str) -> Iterator[ReceivedBars]:
        for month in _months_between(request.start, request.end):
            parameters = {
                "function": "TIME_SERIES_INTRADAY",
                "symbol": request.symbol,
                "interval": interval,
                "month": month,
                "outputsize": "full",
                "adjusted": "false",
                "extended_hours": "false",
            }
            try:
                document, url = self._get(parameters, TypeAdapter(_Intraday))
            except _UnknownCall:
                # Months before a listing are answered like a call that is wrong.
                yield no_bars()
                continue
            rows = sorted(document.series.items())
            times = [local_instant(text, document.meta.zone) for text, _ in rows]
            yield page(times, [_values(row) for _, row in rows], provenance=url)

    def _get(self, parameters: dict[str, str], shape: TypeAdapter[Any]) -> tuple[Any, str]:
        return self._api.get("/query", parameters, shape, refuse=self._refuse)

    def _refuse(self, document: Any) -> None:
        if not isinstance(document, dict) or len(document) != 1:
            return
        ((kind, text),) = document.items()
        said = f"{NAME}: said {self._api.hide_key(str(text))!r}"
        lower = str(text).lower()
        if kind == "Error Message":
            raise _UnknownCall(said)
        if kind not in ("Note", "Information"):
            return
        # What is said of limits ends in an advertisement of premium keys: limits first.
        if "per day" in lower:
            raise RateLimited(said)
        if "per second" in lower or "per minute" in lower or "call frequency" in lower:
            raise Passing(RateLimited(said), retry_after=_MINUTE_SECONDS)
        if "premium" in lower:
            raise _Premium(said)
        raise RemoteSourceError(said)


def _daily_page(
    series: dict[str, Any], adjusted_close: list[float] | None, url: str
) -> ReceivedBars:
    rows = sorted(series.items())
    return page(
        [day_start(text) for text, _ in rows],
        [_values(row) for _, row in rows],
        provenance=url,
        adjusted_close=adjusted_close,
    )


def _values(row: _Row | _AdjustedRow) -> list[float]:
    return [row.open, row.high, row.low, row.close, row.volume]


def _months_between(start: int, end: int) -> Iterator[str]:
    first, last = (datetime.fromtimestamp(instant, UTC) for instant in (start, end - 1))
    for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield f"{month // 12}-{month % 12 + 1:02}"
