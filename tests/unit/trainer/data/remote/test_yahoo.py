"""Yahoo Finance through yfinance.

yfinance has no setting for where it asks. It takes a session, though, and the one here is its own
kind of session with every URL moved to the server of the test: all of its code runs and real
requests are made, but not to Yahoo's names, over its TLS or past its consent pages.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import pytest
import yfinance as yf
from curl_cffi import requests
from tickcast_modelkit.timeframe import Timeframe
from tickcast_trainer.sources import yahoo
from tickcast_trainer.sources.received import ReceivedBars
from tickcast_trainer.sources.remote import (
    BarRequest,
    InvalidAnswer,
    NotOffered,
    RateLimited,
    RemoteContext,
    RemoteSourceError,
)

# yfinance 1.7 uses what pandas 3.1 is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

DAY = 86_400
MONDAY = 1_704_067_200
"""2024-01-01T00:00:00Z."""

OPENING = 14 * 3600 + 1800

MakeContext = Callable[..., RemoteContext]
MakeAnswer = Callable[..., Any]


class MovedSession(requests.Session[Any]):
    """A session that asks the vendor of the test, whatever it is told to ask."""

    def __init__(self, url: str) -> None:
        super().__init__(impersonate="chrome")
        self._to = urlsplit(url)

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
        moved = urlsplit(url)._replace(scheme=self._to.scheme, netloc=self._to.netloc)
        return super().request(method, urlunsplit(moved), *args, **kwargs)


def chart(times: list[int], *, granularity: str = "1d", zone: str = "America/New_York") -> Any:
    count = len(times)
    closes = [100.0 + row for row in range(count)]
    quote = {
        "open": [close - 0.5 for close in closes],
        "high": [close + 1.0 for close in closes],
        "low": [close - 1.0 for close in closes],
        "close": closes,
        "volume": [1000 + row for row in range(count)],
    }
    indicators: dict[str, Any] = {"quote": [quote]}
    if granularity in ("1d", "1wk"):
        indicators["adjclose"] = [{"adjclose": [close * 0.98 for close in closes]}]
    period = {"timezone": "EST", "start": 0, "end": 1, "gmtoffset": -18000}
    meta = {
        "currency": "USD",
        "symbol": "AAPL",
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "firstTradeDate": 345479400,
        "regularMarketTime": 1_704_000_000,
        "gmtoffset": -18000,
        "timezone": "EST",
        "exchangeTimezoneName": zone,
        "regularMarketPrice": 100.0,
        "chartPreviousClose": 99.0,
        "priceHint": 2,
        "currentTradingPeriod": {"pre": period, "regular": period, "post": period},
        "dataGranularity": granularity,
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    if granularity not in ("1d", "1wk"):
        sessions = [{**period, "start": time - 60, "end": time + 6 * 3600} for time in times[:1]]
        meta["tradingPeriods"] = [sessions]
    result = {"meta": meta, "timestamp": times, "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}


NO_DATA = {
    "chart": {
        "result": None,
        "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
    }
}


@pytest.fixture(autouse=True)
def fresh_yfinance() -> Iterator[None]:
    """What yfinance keeps for the whole process is as it was after each test."""
    hidden = yf.config.debug.hide_exceptions
    yf.data.YfData._instances.clear()
    yf.data.YfData.cache_get.cache_clear()
    yield
    yf.config.debug.hide_exceptions = hidden


@pytest.fixture
def path(vendor: Any, answer: MakeAnswer) -> str:
    """Where charts of AAPL are; around them is what yfinance asks for first."""
    vendor.on("/", answer(body="<html></html>", headers={"Set-Cookie": "A3=x; Path=/"}))
    vendor.on("/v1/test/getcrumb", answer(body="crumb"))
    return "/v8/finance/chart/AAPL"


@pytest.fixture
def source(vendor: Any, path: str, context: MakeContext) -> yahoo.Yahoo:
    session = MovedSession(vendor.url)
    return yahoo.make(context(), ticker=partial(yf.Ticker, session=session))


def ask(source: yahoo.Yahoo, start: int, end: int, timeframe: str = "1d") -> ReceivedBars:
    slot = Timeframe.parse(timeframe)
    return source.fetch(BarRequest(symbol="AAPL", timeframe=slot, start=start, end=end))


def serve(vendor: Any, path: str, *answers: Any) -> None:
    """Answer questions for bars by the list; the one for a symbol's time zone, if asked, aside."""
    left = list(answers)

    def reply(question: Any) -> Any:
        if "period1" not in question.query:
            return type(answers[0])(body=chart([MONDAY + OPENING]))
        return left.pop(0) if len(left) > 1 else left[0]

    vendor.reply(path, reply)


def pages(vendor: Any, path: str) -> list[tuple[int, int]]:
    """What stretches of time were asked for."""
    return [
        (int(query["period1"]), int(query["period2"]))
        for query in vendor.asked(path)
        if "period1" in query
    ]


def test_a_day_opens_at_midnight_utc_of_its_date(
    vendor: Any, answer: MakeAnswer, source: yahoo.Yahoo, path: str
) -> None:
    serve(vendor, path, answer(body=chart([MONDAY + DAY * day + OPENING for day in range(5)])))
    bars = ask(source, MONDAY, MONDAY + 5 * DAY)
    assert bars.open_time.tolist() == [MONDAY + DAY * day for day in range(5)]
    assert bars.ohlcv[1].tolist() == [100.5, 102.0, 100.0, 101.0, 1001.0]
    assert bars.adjusted_close == pytest.approx([98.0, 98.98, 99.96, 100.94, 101.92])
    assert pages(vendor, path) == [(MONDAY, MONDAY + 5 * DAY)]


def test_bars_within_the_day_come_in_pages_that_yahoo_allows(
    vendor: Any, answer: MakeAnswer, source: yahoo.Yahoo, path: str
) -> None:
    def minute(question: Any) -> Any:
        begin = int(question.query.get("period1", MONDAY))
        return answer(body=chart([begin + OPENING, begin + OPENING + 60], granularity="1m"))

    vendor.reply(path, minute)
    bars = ask(source, MONDAY, MONDAY + 16 * DAY, "1m")
    begins = [MONDAY, MONDAY + 7 * DAY, MONDAY + 14 * DAY]
    assert [begin for begin, _ in pages(vendor, path)] == begins
    assert bars.open_time.tolist() == [
        begin + OPENING + step for begin in begins for step in (0, 60)
    ]


def test_too_many_requests_are_waited_out(
    vendor: Any, answer: MakeAnswer, source: yahoo.Yahoo, path: str, clock: Any
) -> None:
    good = answer(body=chart([MONDAY + OPENING]))
    busy = answer(status=429, body="Too Many Requests")
    # yfinance itself asks twice before it says so.
    serve(vendor, path, busy, busy, good)
    assert len(ask(source, MONDAY, MONDAY + DAY)) == 1
    assert any(1.0 <= slept <= 2.0 for slept in clock.slept)


def test_a_yahoo_that_stays_busy_is_given_up(
    vendor: Any, answer: MakeAnswer, source: yahoo.Yahoo, path: str
) -> None:
    serve(vendor, path, answer(status=429, body="Too Many Requests"))
    with pytest.raises(RateLimited, match="yfinance: "):
        ask(source, MONDAY, MONDAY + DAY)


@pytest.mark.parametrize("cut_at", [None, 20])
def test_a_broken_body_is_asked_for_again_and_then_named(
    vendor: Any, answer: MakeAnswer, source: yahoo.Yahoo, path: str, cut_at: int | None
) -> None:
    good = answer(body=chart([MONDAY + OPENING]))
    broken = answer(body='{"chart": {"result": [{"meta": {"curr', cut_at=cut_at)
    serve(vendor, path, broken, good)
    assert len(ask(source, MONDAY, MONDAY + DAY)) == 1
    serve(vendor, path, broken)
    with pytest.raises(InvalidAnswer, match="yfinance: answered with nothing usable"):
        ask(source, MONDAY + DAY, MONDAY + 2 * DAY)


def test_what_yahoo_does_not_have_is_said_in_its_words(
    vendor: Any, answer: MakeAnswer, source: yahoo.Yahoo, path: str
) -> None:
    serve(vendor, path, answer(body=NO_DATA))
    with pytest.raises(NotOffered, match="symbol may be delisted"):
        ask(source, MONDAY, MONDAY + DAY)


def test_what_yahoo_no_longer_keeps_is_left_out_with_a_warning(
    vendor: Any,
    answer: MakeAnswer,
    source: yahoo.Yahoo,
    path: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    last = MONDAY + 14 * DAY + OPENING
    recent = answer(body=chart([last], granularity="1m"))
    serve(vendor, path, answer(body=NO_DATA), answer(body=NO_DATA), recent)
    bars = ask(source, MONDAY, MONDAY + 16 * DAY, "1m")
    assert bars.open_time.tolist() == [last]
    assert "what came after it was taken" in caplog.text


def test_a_timeframe_that_yahoo_lacks_is_refused(source: yahoo.Yahoo, vendor: Any) -> None:
    with pytest.raises(NotOffered, match="timeframe: was 4h, needed one of 1m, 2m"):
        ask(source, MONDAY, MONDAY + DAY, "4h")
    assert vendor.questions == []


def test_what_was_answered_is_kept(
    vendor: Any, answer: MakeAnswer, path: str, context: MakeContext
) -> None:
    serve(vendor, path, answer(body=chart([MONDAY + OPENING])))
    ticker = partial(yf.Ticker, session=MovedSession(vendor.url))
    found = []
    for _ in range(2):
        made = yahoo.make(context(max_age_seconds=1e12), ticker=ticker)
        found.append(ask(made, MONDAY, MONDAY + DAY))
    assert len(pages(vendor, path)) == 1
    assert np.array_equal(found[0].ohlcv, found[1].ohlcv)
    assert np.array_equal(found[0].adjusted_close, found[1].adjusted_close)


def test_an_unreachable_yahoo_is_an_error_of_the_source(
    context: MakeContext, fresh_yfinance: None
) -> None:
    ticker = partial(yf.Ticker, session=MovedSession("http://127.0.0.1:9"))
    source = yahoo.make(context(), ticker=ticker)
    with pytest.raises((RemoteSourceError, NotOffered), match="yfinance: "):
        ask(source, MONDAY, MONDAY + DAY)
