"""What JSON and CSV have of a value follows from its type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from tickcast import Bar, ModelVersion, Prediction
from tickcast.cli.output import CsvRows
from tickcast.cli.plain import at, paths, plain


@dataclass(frozen=True)
class Range:
    low: float
    high: float


@dataclass(frozen=True)
class Quote:
    symbol: str
    time: datetime
    age: timedelta
    band: Range | None
    tags: tuple[str, ...] = ()
    live: bool = True


TIME = datetime(2012, 3, 1, 14, 30, 0, 250_000, tzinfo=UTC)
QUOTE = Quote("A,B", TIME, timedelta(seconds=1.5), Range(0.1, 1 / 3), tags=("x", 'y"'))


def test_json_has_instants_in_iso_8601_and_durations_in_seconds() -> None:
    assert plain(QUOTE) == {
        "symbol": "A,B",
        "time": "2012-03-01T14:30:00.250000Z",
        "age": 1.5,
        "band": {"low": 0.1, "high": 1 / 3},
        "tags": ["x", 'y"'],
        "live": True,
    }


def test_the_columns_of_csv_are_the_names_of_json_with_dots() -> None:
    assert paths(Quote) == ["symbol", "time", "age", "band.low", "band.high", "tags", "live"]
    assert "price_interval.lower" in paths(Prediction)
    assert "training_data.rows" in paths(ModelVersion)
    assert paths(Bar)[:2] == ["symbol", "timeframe"]


def test_a_value_inside_one_that_is_missing_is_missing() -> None:
    assert at(QUOTE, "band.high") == 1 / 3
    assert at(Quote("A", TIME, timedelta(), None), "band.high") is None


def test_csv_is_that_of_rfc_4180_in_full_precision(capsys: pytest.CaptureFixture[str]) -> None:
    rows = CsvRows(Quote)
    rows.write(QUOTE)
    rows.write(Quote("A", TIME, timedelta(), None, live=False))
    header, first, second, rest = capsys.readouterr().out.split("\r\n")
    assert header == "symbol,time,age,band.low,band.high,tags,live"
    assert first == (
        '"A,B",2012-03-01T14:30:00.250000Z,1.5,0.1,0.3333333333333333,"[""x"", ""y\\""""]",true'
    )
    assert second == "A,2012-03-01T14:30:00.250000Z,0.0,,,[],false"
    assert rest == ""
