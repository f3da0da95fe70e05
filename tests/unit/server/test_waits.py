"""The limit of waits falls when they are slow, rises when it is used, and keeps its bounds."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickcast_server.errors import ServerOverloaded
from tickcast_server.observe.metrics import Metrics
from tickcast_server.waits import Waits


class Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def waits(clock: Clock, *, least: int = 10, most: int = 100) -> Waits:
    return Waits(least=least, most=most, slow=1.0, observer=Metrics(stages=False), timer=clock)


def wait_together(limit: Waits, clock: Clock, count: int, seconds: float) -> None:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(limit.one())
        clock.now += seconds


def test_it_begins_with_the_most() -> None:
    assert waits(Clock()).limit == 100


def test_one_more_than_the_limit_is_refused_until_one_ends() -> None:
    limit = waits(Clock(), most=10)
    with ExitStack() as stack:
        for _ in range(9):
            stack.enter_context(limit.one())
        with limit.one(), pytest.raises(ServerOverloaded), limit.one():
            pass
        with limit.one():
            pass


def test_slow_waits_that_were_together_lower_it_once() -> None:
    clock = Clock()
    limit = waits(clock)
    wait_together(limit, clock, 50, 2.0)
    assert limit.limit == 90
    wait_together(limit, clock, 50, 2.0)
    assert limit.limit == 81


def test_quick_waits_raise_it_again_when_it_is_used() -> None:
    clock = Clock()
    limit = waits(clock)
    wait_together(limit, clock, 1, 2.0)
    wait_together(limit, clock, 1, 0.1)
    assert limit.limit == 90
    wait_together(limit, clock, 50, 0.1)
    assert limit.limit > 90


def test_a_wait_that_fails_gives_its_place_back() -> None:
    limit = waits(Clock(), least=1, most=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="as it happens"), limit.one():
            raise ValueError("as it happens")


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 3)), max_size=40))
def test_it_keeps_its_bounds(rounds: list[tuple[int, float]]) -> None:
    clock = Clock()
    limit = waits(clock, least=5, most=20)
    for count, seconds in rounds:
        wait_together(limit, clock, min(count, limit.limit), seconds)
        assert 5 <= limit.limit <= 20
