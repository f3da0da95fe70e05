"""Gaps: what a market leaves out every week is none, and what it left out once is."""

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast_modelkit.testing import MONDAY
from tickcast_modelkit.timeframe import Timeframe
from tickcast_trainer.data.gaps import find_gaps
from tickcast_trainer.sources import bundled

DAY = 86_400


def gaps(
    times: NDArray[np.int64], timeframe: str, *others: NDArray[np.int64]
) -> list[tuple[int, int, int]]:
    open_times = {"A": times, **{f"B{rank}": other for rank, other in enumerate(others)}}
    found, _ = find_gaps(open_times, Timeframe.parse(timeframe))["A"]
    return [(one.start, one.end, one.bars) for one in found]


def weekdays(weeks: int) -> NDArray[np.int64]:
    days = np.arange(7 * weeks)
    return MONDAY + DAY * days[days % 7 < 5]


def sessions(days: Iterable[int], begin: int, end: int, step: int) -> NDArray[np.int64]:
    slots = np.arange(begin, end, step)
    return np.concatenate([MONDAY + DAY * day + slots for day in days])


def without(times: NDArray[np.int64], *rows: int) -> NDArray[np.int64]:
    return np.delete(times, rows)


def test_weekends_of_a_stock_are_none() -> None:
    assert gaps(weekdays(30), "1d") == []


def test_a_missing_weekday_is_one() -> None:
    times = weekdays(30)
    assert gaps(without(times, 52), "1d") == [(times[52], times[52], 1)]


def test_a_day_on_which_nobody_traded_is_a_holiday() -> None:
    times = weekdays(30)
    closed = without(times, 52)
    assert gaps(closed, "1d", closed) == []
    assert gaps(closed, "1d", times) == [(times[52], times[52], 1)]
    assert gaps(closed, "1d", closed, closed, times) == []


def test_a_symbol_that_did_not_exist_yet_excuses_nothing() -> None:
    times = weekdays(30)
    assert gaps(without(times, 52), "1d", times[60:]) == [(times[52], times[52], 1)]


def test_what_trades_around_the_clock_has_no_excuse_on_a_saturday() -> None:
    times = MONDAY + DAY * np.arange(210)
    assert gaps(without(times, 54, 55), "1d") == [(times[54], times[55], 2)]


def test_a_weekend_between_two_missing_days_parts_nothing() -> None:
    times = weekdays(30)
    friday = 54
    assert gaps(without(times, friday, friday + 1), "1d") == [(times[friday], times[friday + 1], 2)]


def test_a_long_hole_is_one_gap() -> None:
    times = weekdays(30)
    hole = range(50, 70)
    assert gaps(without(times, *hole), "1d") == [(times[50], times[69], 20)]


def test_hours_outside_the_session_are_none_and_a_missing_one_inside_is() -> None:
    days = [day for day in range(70) if day % 7 < 5]
    times = sessions(days, 14 * 3600 + 1800, 21 * 3600, 300)
    assert gaps(times, "5m") == []
    assert gaps(without(times, 1000, 1001), "5m") == [(times[1000], times[1001], 2)]


def test_a_session_that_moves_with_summer_time_has_no_gaps() -> None:
    days = [day for day in range(140) if day % 7 < 5]
    winter = sessions([day for day in days if day < 70], 14 * 3600, 21 * 3600, 1800)
    summer = sessions([day for day in days if day >= 70], 13 * 3600, 20 * 3600, 1800)
    assert gaps(np.concatenate([winter, summer]), "30m") == []


def test_a_day_that_ends_early_has_no_gap() -> None:
    days = [day for day in range(70) if day % 7 < 5]
    times = sessions(days, 14 * 3600, 21 * 3600, 3600)
    early = without(times, *range(20 * 7 + 4, 20 * 7 + 7))
    assert gaps(early, "1h") == []


def test_a_break_in_the_middle_of_every_day_is_none() -> None:
    days = range(70)
    times = np.sort(
        np.concatenate(
            [sessions(days, 0, 4 * 3600, 3600), sessions(days, 6 * 3600, 24 * 3600, 3600)]
        )
    )
    assert gaps(times, "1h") == []


@pytest.mark.parametrize("timeframe", ["1w", "5d", "2w"])
def test_slots_that_do_not_part_a_week_are_compared_with_the_grid(timeframe: str) -> None:
    frame = Timeframe.parse(timeframe)
    times = frame.floor(MONDAY) + frame.seconds * np.arange(40)
    assert gaps(times, timeframe) == []
    assert gaps(without(times, 20), timeframe) == [(times[20], times[20], 1)]


def test_a_single_bar_has_none() -> None:
    assert gaps(np.array([MONDAY]), "1d") == []


def test_the_bundled_stocks_have_none_beside_each_other() -> None:
    open_times = {one.symbol: one.open_time for one in bundled.open()}
    found = find_gaps(open_times, Timeframe.parse("1d"))
    assert all(listed == [] for listed, _ in found.values())
    assert found["AAPL"][1] == 3270


def test_a_stock_alone_shows_its_holidays() -> None:
    (apple,) = (one for one in bundled.open() if one.symbol == "AAPL")
    listed, expected = find_gaps({"AAPL": apple.open_time}, Timeframe.parse("1d"))["AAPL"]
    missing = sum(one.bars for one in listed)
    # About nine holidays a year, and the four days after 2001-09-11.
    assert 100 < missing < 140
    assert expected == len(apple) + missing
    assert max(listed, key=lambda one: one.bars).bars == 4
