"""From a vendor's answer to bars that training reads: import, fallback, going on."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tickcast_trainer.data.cli import main
from tickcast_trainer.errors import BarSourceError
from tickcast_trainer.sources import store
from tickcast_trainer.sources.remote import RateLimited, RemoteContext
from tickcast_trainer.sources.remote_bars import open_remote
from tickcast_trainer.sources.source import find_source

MakeContext = Callable[..., RemoteContext]
MakeAnswer = Callable[..., Any]
EOD = "/stable/historical-price-eod/full"
DAY_USED_UP = {"Information": "our standard API rate limit is 25 requests per day"}


def rows(question: Any) -> list[dict[str, Any]]:
    """Every weekday from the first to the last that is asked for."""
    first, last = (np.datetime64(question.query[name]) for name in ("from", "to"))
    days = [day for day in np.arange(first, last + 1) if np.is_busday(day)]
    return [
        {"date": str(day), "open": 10, "high": 12, "low": 9, "close": 11, "volume": int(row)}
        for row, day in enumerate(days, start=1)
    ]


@pytest.fixture
def data(vendor: Any, answer: MakeAnswer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder; Alpha Vantage's day is used up, and FMP has every weekday."""
    monkeypatch.setenv("TICKCAST_BARS", str(tmp_path / "data"))
    monkeypatch.setenv("TICKCAST_SOURCE_ALPHAVANTAGE_KEY", "secret-a")
    monkeypatch.setenv("TICKCAST_SOURCE_ALPHAVANTAGE_URL", vendor.url)
    monkeypatch.setenv("TICKCAST_SOURCE_FMP_KEY", "secret-f")
    monkeypatch.setenv("TICKCAST_SOURCE_FMP_URL", f"{vendor.url}/stable")
    vendor.on("/query", answer(body=DAY_USED_UP))
    vendor.reply(EOD, lambda question: answer(body=rows(question)))
    return tmp_path / "data"


FROM_FMP = ["import", "--source", "fmp", "--timeframe", "1d", "--symbols", "AAPL"]


def test_bars_come_from_the_next_source_where_the_first_has_none(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--timeframe", "1d", "--symbols", "AAPL", "--start", "2024-01-01"]
    assert main(["import", "--source", "alphavantage,fmp", *arguments, "--end", "2024-03-01"]) == 0
    captured = capsys.readouterr()
    assert "25 requests per day'; the next source is asked" in captured.err
    assert "fmp" in captured.out
    (series,) = store.open(str(data))
    assert len(series) == 44
    assert main(["check"]) == 0


def test_an_import_goes_on_from_what_is_held_with_some_bars_again(data: Path, vendor: Any) -> None:
    assert main([*FROM_FMP, "--start", "2024-01-01", "--end", "2024-03-01"]) == 0
    assert main([*FROM_FMP, "--end", "2024-04-01"]) == 0
    assert vendor.asked(EOD)[-1] == {"symbol": "AAPL", "from": "2024-02-19", "to": "2024-03-31"}
    assert len(store.open(str(data))[0]) == 65


def test_todays_bar_is_held_back_until_it_has_closed(data: Path) -> None:
    today = datetime.now(UTC).date().isoformat()
    assert main([*FROM_FMP, "--start", "2024-01-01"]) == 0
    (series,) = store.open(str(data))
    assert str(np.datetime64(int(series.open_time[-1]), "s"))[:10] < today


def test_a_symbol_is_held_under_the_name_that_the_user_gives_it(data: Path, vendor: Any) -> None:
    arguments = ["--start", "2024-01-01", "--end", "2024-02-01"]
    assert main([*FROM_FMP[:-1], "BTC/USD@BTCUSD", *arguments]) == 0
    assert vendor.asked(EOD)[0]["symbol"] == "BTCUSD"
    assert store.open(str(data))[0].symbol == "BTC/USD"


def test_a_symbol_that_no_source_has_fails_alone_with_1(
    data: Path, vendor: Any, answer: MakeAnswer, capsys: pytest.CaptureFixture[str]
) -> None:
    def some(question: Any) -> Any:
        return answer(body=[] if question.query["symbol"] == "NONE" else rows(question))

    vendor.reply(EOD, some)
    arguments = ["--start", "2024-01-01", "--end", "2024-02-01"]
    sources = ["import", "--source", "alphavantage,fmp", "--timeframe", "1d"]
    assert main([*sources, "--symbols", "NONE,AAPL", *arguments]) == 1
    captured = capsys.readouterr()
    assert "NONE: no source had bars" in captured.err
    assert "fmp: had no bars of NONE" in captured.err
    assert [one.symbol for one in store.open(str(data))] == ["AAPL"]


def test_the_same_import_again_asks_nothing_and_writes_nothing(data: Path, vendor: Any) -> None:
    arguments = [*FROM_FMP, "--start", "2024-01-01", "--end", "2024-02-01"]
    assert main(arguments) == 0
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert main(arguments) == 0
    assert len(vendor.questions) == 1
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    assert main([*arguments, "--cache-hours", "0"]) == 0
    assert len(vendor.questions) == 2
    assert all(b"secret" not in content for content in before.values())


def test_interrupted_it_ends_with_130_and_goes_on_without_asking_twice(
    data: Path, vendor: Any, answer: MakeAnswer, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted: list[Any] = []

    def reply(question: Any) -> Any:
        if question.query["symbol"] == "MSFT" and not interrupted:
            interrupted.append(question)
            os.kill(os.getpid(), signal.SIGINT)
        return answer(body=rows(question))

    vendor.reply(EOD, reply)
    arguments = [*FROM_FMP[:-1], "AAPL,MSFT", "--start", "2024-01-01", "--end", "2024-02-01"]
    assert main(arguments) == 130
    assert capsys.readouterr().err.endswith("tickcast-data: interrupted\n")
    assert main(arguments) == 0
    assert [query["symbol"] for query in vendor.asked(EOD)] == ["AAPL", "MSFT", "MSFT"]
    assert [one.symbol for one in store.open(str(data))] == ["AAPL", "MSFT"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (FROM_FMP, "start: was absent, needed such as 2020-01-01, as no bars of AAPL 1d are held"),
        (["import", "--source", "fmp", "--symbols", "A"], "timeframe: was absent, needed"),
        (["import", "--source", "fmp", "--timeframe", "1d"], "symbols: was absent, needed"),
        (["import", "--source", "fmp,csv"], "source: was fmp,csv, needed one source, or several"),
    ],
)
def test_what_a_remote_source_must_be_told(
    data: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_missing_key_ends_with_2(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TICKCAST_SOURCE_FMP_KEY")
    assert main([*FROM_FMP, "--start", "2024-01-01"]) == 2
    assert "TICKCAST_SOURCE_FMP_KEY: was absent" in capsys.readouterr().err


def test_remote_bars_can_be_trained_on_without_keeping_them(
    vendor: Any, answer: MakeAnswer, context: MakeContext
) -> None:
    vendor.reply(EOD, lambda question: answer(body=rows(question)))
    made = context(TICKCAST_SOURCE_FMP_KEY="k", TICKCAST_SOURCE_FMP_URL=f"{vendor.url}/stable")
    series = open_remote("fmp:MSFT,AAPL", timeframe="1d", context=made)
    assert [one.symbol for one in series] == ["AAPL", "MSFT"]
    # The clock of the test says 2027-01-15 08:00, so that the bar of the 15th is not closed.
    assert np.datetime64(int(series[0].close_time[-1]), "s") == np.datetime64("2027-01-15")
    assert find_source("remote").__module__ == "tickcast_trainer.sources.remote_bars"


def test_remote_bars_fall_back_and_fail_as_an_import_does(
    vendor: Any, answer: MakeAnswer, context: MakeContext
) -> None:
    vendor.on("/query", answer(body=DAY_USED_UP))
    vendor.reply(EOD, lambda question: answer(body=rows(question)))
    made = context(
        TICKCAST_SOURCE_ALPHAVANTAGE_KEY="k",
        TICKCAST_SOURCE_ALPHAVANTAGE_URL=vendor.url,
        TICKCAST_SOURCE_FMP_KEY="k",
        TICKCAST_SOURCE_FMP_URL=f"{vendor.url}/stable",
    )
    assert len(open_remote("alphavantage,fmp:AAPL", timeframe="1d", context=made)) == 1
    with pytest.raises(RateLimited):
        open_remote("alphavantage:AAPL", timeframe="1d", context=made)


@pytest.mark.parametrize(
    ("location", "timeframe", "message"),
    [
        ("", "1d", "path: was '', needed sources and symbols"),
        ("fmp", "1d", "path: was 'fmp', needed sources and symbols"),
        ("fmp:AAPL", None, "timeframe: was absent, needed"),
    ],
)
def test_what_remote_bars_must_be_told(
    context: MakeContext, location: str, timeframe: str | None, message: str
) -> None:
    with pytest.raises(BarSourceError, match=message):
        open_remote(location, timeframe=timeframe, context=context())
