"""The parts of the display of `tickcast watch`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console
from tickcast import FeatureProvenance, FeatureSource, Interval, Prediction
from tickcast.cli.scoreboard import SymbolScore, Tally
from tickcast.cli.suggest import closest
from tickcast.cli.watch.connection import Connection
from tickcast.cli.watch.sparkline import levels, moves
from tickcast.cli.watch.table import Row, table
from tickcast.cli.watch.trail import LONGEST, Trail

TIME = datetime(2012, 3, 1, 14, 30, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: float = 0.0


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([5.0], "▄"),
        ([5.0, 5.0], "▄▄"),
        ([1.0, 2.0, 3.0, 8.0], "▁▂▃█"),
        ([-1.0, 1.0], "▁█"),
    ],
)
def test_closes_lie_between_the_lowest_and_the_highest(values: list[float], drawn: str) -> None:
    assert levels(values) == drawn


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], ""), ([0.0], "▄"), ([0.01, -0.01], "█▁"), ([0.03, 0.01, -0.01], "█▆▃")],
)
def test_a_move_up_is_in_the_upper_half_without_any_colour(values: list[float], drawn: str) -> None:
    assert moves(values) == drawn


def test_a_connection_is_well_while_something_is_heard() -> None:
    clock = Clock()
    connection = Connection("desk:1", clock=lambda: clock.now)
    assert connection.words() == "connecting to desk:1"
    connection.opened(datetime(2012, 3, 1, 9, 30, tzinfo=UTC))
    assert connection.words() == "connected to desk:1 since 09:30:00"
    clock.now = 7.0
    assert connection.words() == "no word from desk:1 for 7 s, trying again"
    connection.heard()
    connection.opened(datetime(2012, 3, 1, 9, 31, tzinfo=UTC))
    assert connection.words() == "connected again to desk:1 since 09:31:00"


def row(symbol: str, *, close: float) -> Row:
    """A symbol of which much is known."""
    prediction = Prediction(
        symbol=symbol,
        timeframe="1h",
        as_of_time=TIME,
        target_time=TIME,
        horizon_bars=1,
        last_close=close,
        predicted_return=-0.0123,
        predicted_price=close * 0.9877,
        return_interval=None,
        price_interval=Interval(lower=close * 0.9, upper=close * 1.1, coverage=0.9),
        direction_probability=None,
        model_version="models/m/versions/1",
        feature_set="featureSets/x",
        feature_provenance=FeatureProvenance(
            source=FeatureSource.CACHE, age=timedelta(), stale=False, bars_used=64, outdated=False
        ),
    )
    trail = Trail()
    trail.closes.extend(float(number % 7) for number in range(LONGEST))
    trail.moves.extend((-1) ** number * 0.01 for number in range(LONGEST))
    trail.held.extend(number % 3 > 0 for number in range(LONGEST))
    score = SymbolScore(prediction=prediction, in_band=Tally(true=1000, total=1000))
    return Row(symbol, score, trail, fresh=True)


def drawn(*rows: Row, width: int) -> list[str]:
    written = StringIO()
    Console(width=width, file=written, color_system=None).print(table(rows, width=width))
    return written.getvalue().splitlines()


def test_eighty_columns_are_enough() -> None:
    header, line = drawn(row("BTC/USDT", close=64_523.12), width=80)
    assert "…" not in header + line
    for part in ("BTC/USDT", "64,523.12", "-1.23%", "✗✓✓✗✓✓✗", "100%"):
        assert part in line
    assert "direction right" not in header


def test_a_wide_terminal_shows_more() -> None:
    header, line = drawn(row("AAPL", close=100.0), width=150)
    assert "…" not in header + line
    assert "direction right" in header
    assert "90.00 to 110.00" in line
    assert "2012-03-01 14:30:00" in line


def test_a_symbol_without_a_prediction_says_so() -> None:
    young = Row("YOUNG", SymbolScore(refusal="20 bars, 64 needed"), Trail(), fresh=False)
    assert drawn(young, width=80)[1].split() == ["YOUNG", "no", "prediction"]


def test_names_that_are_much_alike_are_suggested() -> None:
    known = ["AAPL", "MSFT", "BTC/USDT"]
    assert closest("aapl", known) == ["AAPL"]
    assert closest("APPL", known) == ["AAPL"]
    assert closest("ZZZZ", known) == []
