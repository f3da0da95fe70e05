"""The parts of the display of `tickcast watch`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from tickcast.cli.suggest import closest
from tickcast.cli.watch.connection import Connection
from tickcast.cli.watch.sparkline import levels, moves


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


def test_names_that_are_much_alike_are_suggested() -> None:
    known = ["AAPL", "MSFT", "BTC/USDT"]
    assert closest("aapl", known) == ["AAPL"]
    assert closest("APPL", known) == ["AAPL"]
    assert closest("ZZZZ", known) == []
