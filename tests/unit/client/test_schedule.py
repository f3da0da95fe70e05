"""A replay sends bars in the order in which they closed, and none that is held already."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from tickcast.cli.schedule import make_schedule
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.testing import random_walk_bars

LONG = random_walk_bars(60, symbol="LONG")
SHORT = random_walk_bars(20, symbol="SHORT", seed=2)


def closes(series: BarSeries) -> list[datetime]:
    return [datetime.fromtimestamp(second, UTC) for second in series.close_time.tolist()]


def test_every_bar_once_in_the_order_of_closing() -> None:
    schedule = make_schedule([LONG, SHORT], start=None, end=None, history=5, held={})
    assert not schedule.history
    instants = [instant for instant, _ in schedule.steps]
    assert instants == sorted(set(closes(LONG)) | set(closes(SHORT)))
    for instant, bars in schedule.steps:
        assert {bar.close_time for bar in bars} == {instant}
    for series in (LONG, SHORT):
        sent = [
            (bar.open, bar.high, bar.low, bar.close, bar.volume)
            for _, bars in schedule.steps
            for bar in bars
            if bar.symbol == series.symbol
        ]
        assert sent == [tuple(row) for row in series.ohlcv.tolist()]


def test_history_is_what_goes_before_the_start() -> None:
    instants = closes(LONG)
    schedule = make_schedule([LONG], start=instants[30], end=instants[40], history=10, held={})
    assert [bar.close_time for bar in schedule.history] == instants[21:31]
    assert [instant for instant, _ in schedule.steps] == instants[31:41]


@given(
    start=st.integers(0, 59),
    history=st.integers(0, 70),
    held=st.integers(0, 59),
)
def test_what_is_held_is_left_out_and_the_rest_follows_on(
    start: int, history: int, held: int
) -> None:
    instants = closes(LONG)
    schedule = make_schedule(
        [LONG],
        start=instants[start],
        end=None,
        history=history,
        held={("LONG", "1d"): instants[held], ("LONG", "5m"): instants[59]},
    )
    sent = [bar.close_time for bar in schedule.history]
    sent += [bar.close_time for _, bars in schedule.steps for bar in bars]
    first = max(start + 1 - history, held + 1, 0)
    assert sent == instants[first:]
