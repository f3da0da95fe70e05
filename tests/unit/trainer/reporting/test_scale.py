"""Axes: all figures lie on them, and ticks are where people look for them."""

import numpy as np
import pytest
from tickcast_trainer.reporting.charts.scale import PERCENT, PLAIN, number_scale, time_scale


def seconds(text: str) -> int:
    return int(np.datetime64(text, "s").astype(np.int64))


@pytest.mark.parametrize(
    "values", [(0.013, 0.047), (-3.0, 12.5), (0.0, 1e-9), (5.0, 5.0), (0.0, 0.0), (-2e6, -1e6)]
)
def test_every_value_lies_on_the_scale_and_ticks_are_told_apart(
    values: tuple[float, float],
) -> None:
    scale = number_scale(values, "figure", PLAIN)
    assert scale.low <= min(values)
    assert max(values) <= scale.high
    labels = [label for _, label in scale.ticks]
    assert 2 <= len(set(labels)) == len(labels) <= 8


def test_ticks_are_round() -> None:
    scale = number_scale([0.8234, 0.9761], "share", PERCENT)
    assert [label for _, label in scale.ticks] == ["80%", "85%", "90%", "95%", "100%"]


def test_ticks_have_the_digits_that_tell_them_apart() -> None:
    scale = number_scale([-0.00004, 0.00006], "return", PERCENT)
    assert [label for _, label in scale.ticks] == [
        "\N{MINUS SIGN}0.004%",
        "\N{MINUS SIGN}0.002%",
        "0.000%",
        "0.002%",
        "0.004%",
        "0.006%",
    ]


@pytest.mark.parametrize(
    ("begin", "end", "first", "last"),
    [
        ("2000-06-01", "2013-03-02", "2002", "2012"),
        ("2020-02-10", "2020-09-10", "2020-03", "2020-09"),
        ("2024-01-01T09:30:00", "2024-01-01T16:00:00", "2024-01-01 10", "2024-01-01 16"),
    ],
)
def test_times_are_ticked_where_calendars_turn(begin: str, end: str, first: str, last: str) -> None:
    scale = time_scale(seconds(begin), seconds(end), "time")
    assert (scale.ticks[0][1], scale.ticks[-1][1]) == (first, last)
    assert all(scale.low <= at <= scale.high for at, _ in scale.ticks)


def test_places_run_from_one_end_to_the_other() -> None:
    scale = number_scale([0.0, 10.0], "figure", PLAIN)
    assert [scale.place(value, 100.0, 200.0) for value in (0.0, 5.0, 10.0)] == [100, 150, 200]
