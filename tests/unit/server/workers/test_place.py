"""How long a place stays empty."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tickcast_server.workers.place import pause_after


def test_a_worker_that_dies_once_is_replaced_at_once() -> None:
    assert pause_after(1) == 0


@given(st.integers(1, 10_000))
def test_the_pause_grows_with_every_death_and_not_for_ever(deaths: int) -> None:
    assert pause_after(deaths) <= pause_after(deaths + 1) <= 10
