from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from tickcast_modelkit.errors import InvalidTimeframe
from tickcast_modelkit.timeframe import Timeframe


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("5m", 300), ("4h", 14_400), ("1d", 86_400), ("1w", 604_800), ("366d", 31_622_400)],
)
def test_is_read_and_written_in_one_form(text: str, seconds: int) -> None:
    timeframe = Timeframe.parse(text)
    assert timeframe.seconds == seconds
    assert str(timeframe) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "m", "5", "0m", "-5m", "05m", "5M", "5 m", "5m ", "5m\n", "1y", "1.5h", "٣m"),
        *("367d", "53w", "9" * 5_000 + "w"),
    ],
)
def test_what_is_no_timeframe_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimeframe, match="needed a positive count and a unit"):
        Timeframe.parse(text)


def test_cannot_be_made_of_parts_that_do_not_parse() -> None:
    with pytest.raises(InvalidTimeframe, match="0m"):
        Timeframe(0, "m")
    with pytest.raises(InvalidTimeframe, match="1y"):
        Timeframe(1, "y")


@pytest.mark.parametrize(
    ("timeframe", "time", "start"),
    [
        ("5m", "2024-03-15T10:04:59", "2024-03-15T10:00:00"),
        ("5m", "2024-03-15T10:05:00", "2024-03-15T10:05:00"),
        ("4h", "2024-03-15T15:59:59", "2024-03-15T12:00:00"),
        ("1d", "2024-03-15T23:59:59", "2024-03-15T00:00:00"),
        ("1w", "2024-03-15T10:00:00", "2024-03-11T00:00:00"),
        ("1w", "2024-03-11T00:00:00", "2024-03-11T00:00:00"),
        ("1w", "2024-03-10T23:59:59", "2024-03-04T00:00:00"),
        ("1w", "1970-01-01T00:00:00", "1969-12-29T00:00:00"),
    ],
)
def test_floor_is_the_start_of_the_slot_and_weeks_begin_on_monday(
    timeframe: str, time: str, start: str
) -> None:
    assert Timeframe.parse(timeframe).floor(instant(time)) == instant(start)


@pytest.mark.parametrize("text", ["1s", "7m", "4h", "1d", "3d", "1w", "2w"])
def test_a_slot_starts_on_the_grid_and_ends_where_the_next_starts(text: str) -> None:
    timeframe = Timeframe.parse(text)
    start = timeframe.floor(instant("2024-03-15T10:04:59"))
    assert timeframe.is_on_grid(start)
    assert timeframe.close_of(start) == start + timeframe.seconds
    assert timeframe.floor(timeframe.close_of(start) - 1) == start
    assert timeframe.is_on_grid(timeframe.close_of(start))
    assert not timeframe.is_on_grid(start + 1) or timeframe.seconds == 1


@pytest.mark.parametrize("text", ["7m", "1d", "2w"])
def test_arrays_are_treated_as_single_times_are(text: str) -> None:
    timeframe = Timeframe.parse(text)
    times = np.arange(0, 4_000_000, 30_000, dtype=np.int64)
    assert timeframe.floor_all(times).tolist() == [timeframe.floor(t) for t in times.tolist()]
    assert timeframe.on_grid(times).tolist() == [timeframe.is_on_grid(t) for t in times.tolist()]
