"""How vendors are asked: patiently, no more than needed, one after the other, and never twice."""

import itertools
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickcast_modelkit.timeframe import Timeframe
from tickcast_trainer.errors import BarSourceError, UnknownBarSource
from tickcast_trainer.sources import fmp
from tickcast_trainer.sources.answers import AnswerCache
from tickcast_trainer.sources.pacing import Pacer
from tickcast_trainer.sources.received import ReceivedBars, no_bars, page
from tickcast_trainer.sources.remote import (
    BarRequest,
    InOrder,
    InvalidAnswer,
    MissingExtra,
    NotOffered,
    RateLimited,
    RemoteContext,
    RemoteSourceError,
    make_remote,
    remote_names,
)
from tickcast_trainer.sources.retrying import ATTEMPTS, retry_after

MakeContext = Callable[..., RemoteContext]
MakeAnswer = Callable[..., Any]
PATH = "/historical-price-eod/full"
ROW = {"date": "2024-01-05", "open": 1, "high": 2, "low": 1, "close": 2, "volume": 3}
REQUEST = BarRequest(
    symbol="AAPL", timeframe=Timeframe.parse("1d"), start=1_704_067_200, end=1_706_745_600
)


@pytest.fixture
def source(vendor: Any, context: MakeContext) -> fmp.FinancialModelingPrep:
    return fmp.make(context(TICKCAST_SOURCE_FMP_KEY="k", TICKCAST_SOURCE_FMP_URL=vendor.url))


def test_after_429_it_waits_as_long_as_it_is_told_and_asks_again(
    vendor: Any, answer: MakeAnswer, source: fmp.FinancialModelingPrep, clock: Any
) -> None:
    busy = answer(status=429, body="slow down", headers={"Retry-After": "17"})
    vendor.on(PATH, busy, busy, answer(body=[ROW]))
    assert len(source.fetch(REQUEST)) == 1
    assert clock.slept == [17.0, 17.0]


def test_without_being_told_it_waits_longer_each_time(
    vendor: Any, answer: MakeAnswer, source: fmp.FinancialModelingPrep, clock: Any
) -> None:
    trouble = answer(status=503, body="")
    vendor.on(PATH, trouble, trouble, trouble, trouble, answer(body=[ROW]))
    assert len(source.fetch(REQUEST)) == 1
    bounds = [(1, 2), (2, 3), (4, 5), (8, 9)]
    assert all(low <= slept <= high for slept, (low, high) in zip(clock.slept, bounds, strict=True))


@pytest.mark.parametrize(
    ("status", "error"), [(429, RateLimited), (500, RemoteSourceError), (503, RemoteSourceError)]
)
def test_it_gives_up_after_five_attempts(
    vendor: Any,
    answer: MakeAnswer,
    source: fmp.FinancialModelingPrep,
    status: int,
    error: type[Exception],
) -> None:
    vendor.on(PATH, answer(status=status, body="not now"))
    with pytest.raises(error, match=f"fmp: answered {status}: not now"):
        source.fetch(REQUEST)
    assert len(vendor.questions) == ATTEMPTS == 5


def test_a_wait_of_an_hour_is_not_waited_for(
    vendor: Any, answer: MakeAnswer, source: fmp.FinancialModelingPrep, clock: Any
) -> None:
    vendor.on(PATH, answer(status=429, body="", headers={"Retry-After": "3600"}))
    with pytest.raises(RateLimited, match="it asks to wait 3600 s"):
        source.fetch(REQUEST)
    assert clock.slept == []


def test_what_the_caller_did_wrong_is_not_asked_again(
    vendor: Any, answer: MakeAnswer, source: fmp.FinancialModelingPrep
) -> None:
    vendor.on(PATH, answer(status=403, body="Exclusive endpoint"))
    with pytest.raises(RemoteSourceError, match="fmp: answered 403: Exclusive endpoint"):
        source.fetch(REQUEST)
    assert len(vendor.questions) == 1


@pytest.mark.parametrize("cut_at", [0, 10])
def test_a_body_that_is_cut_short_is_asked_for_again(
    vendor: Any, answer: MakeAnswer, source: fmp.FinancialModelingPrep, cut_at: int
) -> None:
    vendor.on(PATH, answer(body=[ROW], cut_at=cut_at), answer(body=[ROW]))
    assert len(source.fetch(REQUEST)) == 1


def test_half_a_document_of_the_promised_length_is_asked_for_again(
    vendor: Any, answer: MakeAnswer, source: fmp.FinancialModelingPrep
) -> None:
    vendor.on(PATH, answer(body='[{"date": "2024-01-'), answer(body=[ROW]))
    assert len(source.fetch(REQUEST)) == 1


def test_a_document_that_stays_broken_is_an_invalid_answer(
    vendor: Any, answer: MakeAnswer, source: fmp.FinancialModelingPrep
) -> None:
    vendor.on(PATH, answer(body="<html>"))
    with pytest.raises(InvalidAnswer, match="fmp: answered with no JSON"):
        source.fetch(REQUEST)


def test_a_vendor_that_is_not_there_is_said_to_be(context: MakeContext) -> None:
    source = fmp.make(
        context(TICKCAST_SOURCE_FMP_KEY="k", TICKCAST_SOURCE_FMP_URL="http://127.0.0.1:9")
    )
    with pytest.raises(RemoteSourceError, match="fmp: answered with nothing usable"):
        source.fetch(REQUEST)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("5", 5.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("soon", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    now = datetime(2027, 1, 15, 8, tzinfo=UTC).timestamp()
    assert retry_after(header, now=now) == seconds


@given(
    per_minute=st.floats(0.1, 1000.0),
    works=st.lists(st.floats(0.0, 100.0), min_size=2, max_size=20),
)
def test_calls_are_never_closer_than_the_pace(per_minute: float, works: list[float]) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    pacer = Pacer(per_minute=per_minute, clock=lambda: now, sleep=sleep)
    passed = []
    for work in works:
        pacer.wait()
        passed.append(now)
        now += work
    distances = [after - before for before, after in itertools.pairwise(passed)]
    assert passed[0] == 0.0
    assert all(distance >= 60.0 / per_minute * (1 - 1e-9) for distance in distances)
    expected = [max(work, 60.0 / per_minute) for work in works[:-1]]
    assert distances == pytest.approx(expected)


def test_what_was_answered_is_not_asked_again_until_it_is_old(
    vendor: Any, answer: MakeAnswer, context: MakeContext, clock: Any
) -> None:
    vendor.on(PATH, answer(body=[ROW]))

    def fetch() -> int:
        source = fmp.make(
            context(
                max_age_seconds=3600.0,
                TICKCAST_SOURCE_FMP_KEY="k",
                TICKCAST_SOURCE_FMP_URL=vendor.url,
            )
        )
        return len(source.fetch(REQUEST))

    clock.now = time.time()
    assert (fetch(), fetch()) == (1, 1)
    assert len(vendor.questions) == 1
    clock.now += 3601.0
    assert fetch() == 1
    assert len(vendor.questions) == 2


def test_an_answer_that_was_not_understood_is_not_kept(
    vendor: Any, answer: MakeAnswer, context: MakeContext, tmp_path: Path
) -> None:
    source = fmp.make(
        context(
            max_age_seconds=3600.0, TICKCAST_SOURCE_FMP_KEY="k", TICKCAST_SOURCE_FMP_URL=vendor.url
        )
    )
    vendor.on(PATH, answer(body={"Error Message": "Limit Reach"}))
    with pytest.raises(RateLimited):
        source.fetch(REQUEST)
    assert not list(tmp_path.rglob("*.json"))


def test_old_answers_are_removed(tmp_path: Path) -> None:
    AnswerCache(tmp_path, max_age_seconds=10.0, clock=time.time).put({"q": "1"}, b"1")
    assert AnswerCache(tmp_path, max_age_seconds=10.0, clock=time.time).get({"q": "1"}) == b"1"
    AnswerCache(tmp_path, max_age_seconds=10.0, clock=lambda: time.time() + 11.0)
    assert not list(tmp_path.iterdir())


class Told:
    """A source that does what it is told to."""

    def __init__(self, name: str, outcome: ReceivedBars | BarSourceError) -> None:
        self.name = name
        self.outcome = outcome
        self.asked = 0

    def fetch(self, request: BarRequest) -> ReceivedBars:
        self.asked += 1
        if isinstance(self.outcome, BarSourceError):
            raise self.outcome
        return self.outcome


BARS = page([0], [[1.0, 1.0, 1.0, 1.0, 1.0]], provenance="told")


@pytest.mark.parametrize("failure", [RateLimited("a: full"), NotOffered("a: has none"), no_bars()])
def test_the_next_source_is_asked_where_one_has_none_and_no_further(
    failure: ReceivedBars | BarSourceError, caplog: pytest.LogCaptureFixture
) -> None:
    sources = [Told("a", failure), Told("b", BARS), Told("c", BARS)]
    assert InOrder(sources).fetch(REQUEST) == ("b", BARS)
    assert [one.asked for one in sources] == [1, 1, 0]
    assert "the next source is asked" in caplog.text


def test_a_source_that_was_asked_too_often_is_not_asked_again() -> None:
    spent, lacking, other = Told("a", RateLimited("a: full")), Told("b", no_bars()), Told("c", BARS)
    sources = InOrder([spent, lacking, other])
    assert [sources.fetch(REQUEST) for _ in range(3)] == [("c", BARS)] * 3
    assert [one.asked for one in (spent, lacking, other)] == [1, 3, 3]


def test_where_all_fail_each_is_quoted() -> None:
    sources = [Told("a", RateLimited("a: full")), Told("b", no_bars())]
    with pytest.raises(RemoteSourceError, match="a: full\n  b: had no bars of AAPL"):
        InOrder(sources).fetch(REQUEST)
    with pytest.raises(NotOffered, match="c: has none"):
        InOrder([Told("c", NotOffered("c: has none"))]).fetch(REQUEST)


def test_the_sources_there_are() -> None:
    assert remote_names() == [
        "alphavantage",
        "binance",
        "coinbase",
        "coingecko",
        "fmp",
        "kraken",
        "yfinance",
    ]


def test_an_unknown_source_is_refused_with_those_there_are(context: MakeContext) -> None:
    with pytest.raises(UnknownBarSource, match="was 'quandl', needed one of alphavantage, binance"):
        make_remote("quandl", context())


@pytest.mark.parametrize(
    ("name", "library", "module", "extra"),
    [
        ("fmp", "httpx", "fmp", "http"),
        ("kraken", "ccxt", "exchanges", "ccxt"),
        ("yfinance", "yfinance", "yahoo", "yfinance"),
    ],
)
def test_a_missing_library_is_named_by_its_extra(
    context: MakeContext,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    library: str,
    module: str,
    extra: str,
) -> None:
    for loaded in (f"tickcast_trainer.sources.{module}", "tickcast_trainer.sources.json_api"):
        monkeypatch.delitem(sys.modules, loaded, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'tickcast-trainer\[{extra}\]'"):
        make_remote(name, context(TICKCAST_SOURCE_FMP_KEY="k"))
