"""Sides in turn, and their ratios."""

from functools import partial

import pytest

from benchmarks.common.rounds import Ratio, in_turn


def test_a_ratio_is_the_median_of_the_rounds_with_its_spread() -> None:
    assert Ratio.of([1, 4, 9], [1, 2, 3]) == Ratio(median=2, lowest=1, highest=3)


def test_a_machine_that_slows_down_both_sides_of_a_round_does_not_change_the_ratio() -> None:
    assert Ratio.of([100, 10, 1], [200, 20, 2]) == Ratio(median=0.5, lowest=0.5, highest=0.5)


def test_a_ratio_needs_rounds_of_both_sides() -> None:
    with pytest.raises(ValueError, match="needed at least one"):
        Ratio.of([], [])
    with pytest.raises(ValueError, match="longer"):
        Ratio.of([1], [1, 2])


def test_every_side_is_measured_in_every_round_and_each_goes_first() -> None:
    order: list[str] = []

    def measure(name: str) -> str:
        order.append(name)
        return name

    found = in_turn({name: partial(measure, name) for name in "abc"}, 3)

    assert "".join(order) == "abc" + "bca" + "cab"
    assert found == {name: [name] * 3 for name in "abc"}
