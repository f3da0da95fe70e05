from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries, check_symbol, find_bar_problems
from tickcast_modelkit.errors import InvalidArray, InvalidBars, InvalidSymbol
from tickcast_modelkit.testing import MONDAY, random_walk_bars
from tickcast_modelkit.timeframe import Timeframe

DAY = 86_400
DAILY = Timeframe.parse("1d")
GOOD = (10.0, 12.0, 9.0, 11.0, 1_000.0)


def problems_of(
    *rows: Sequence[float], open_time: Sequence[int] | None = None, close_after: int = DAY
) -> list[str]:
    times = MONDAY + DAY * np.arange(len(rows)) if open_time is None else np.array(open_time)
    found = find_bar_problems(
        times.astype(np.int64), times + close_after, np.array(rows, dtype=np.float64), DAILY
    )
    return [str(problem) for problem in found]


def test_valid_bars_have_no_problems() -> None:
    assert problems_of(GOOD, (1e-15, 1e-15, 1e-15, 1e-15, 0.0), (1e15,) * 4 + (1e30,)) == []


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0, 0.0, 9e-16, 1.1e15])
def test_a_price_that_cannot_be_is_reported_once(column: int, value: float) -> None:
    bar = list(GOOD)
    bar[column] = value
    name = ("open", "high", "low", "close")[column]
    assert problems_of(GOOD, bar, GOOD) == [
        f"bars[1].{name}: was {value!r}, needed a finite number from 1e-15 to 1e+15"
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 1.1e30])
def test_a_volume_that_cannot_be_is_reported(value: float) -> None:
    assert problems_of((*GOOD[:4], value)) == [
        f"bars[0].volume: was {value!r}, needed a finite number from 0 to 1e+30"
    ]


@pytest.mark.parametrize(
    ("bar", "problems"),
    [
        ((10.0, 9.0, 8.0, 8.5, 0.0), ["bars[0].high: was 9.0, needed at least open 10.0"]),
        ((8.5, 9.0, 8.0, 9.5, 0.0), ["bars[0].high: was 9.0, needed at least close 9.5"]),
        ((10.0, 12.0, 10.5, 11.0, 0.0), ["bars[0].low: was 10.5, needed at most open 10.0"]),
        ((11.0, 12.0, 10.5, 10.0, 0.0), ["bars[0].low: was 10.5, needed at most close 10.0"]),
        (
            (9.5, 9.0, 10.0, 9.5, 0.0),
            [
                "bars[0].high: was 9.0, needed at least low 10.0",
                "bars[0].low: was 10.0, needed at most open 9.5",
            ],
        ),
    ],
)
def test_a_range_that_contradicts_itself_names_the_price_that_it_contradicts(
    bar: Sequence[float], problems: list[str]
) -> None:
    assert problems_of(bar) == problems


def test_open_times_lie_on_the_grid() -> None:
    found = problems_of(GOOD, GOOD, open_time=[MONDAY, MONDAY + DAY + 3_600])
    assert found == [
        "bars[1].open_time: was 2024-01-02T01:00:00Z, "
        "needed the start of a slot of 1d, such as 2024-01-02T00:00:00Z"
    ]


@pytest.mark.parametrize(
    ("time", "was"),
    [
        (-DAY, "-86400 s since 1970"),
        (253_402_300_800, "253402300800 s since 1970"),
        (-(2**63), "-9223372036854775808 s since 1970"),
        (2**63 - 1, "9223372036854775807 s since 1970"),
    ],
)
def test_open_times_lie_between_1970_and_9999(time: int, was: str) -> None:
    found = find_bar_problems(
        np.array([time]), np.array([time]), np.array([GOOD]), Timeframe.parse("1s")
    )
    assert str(found[0]) == f"bars[0].open_time: was {was}, needed 1970-01-01 to 9999-12-31"


def test_a_time_that_comes_twice_is_reported_as_a_duplicate() -> None:
    found = problems_of(GOOD, GOOD, GOOD, open_time=[MONDAY, MONDAY + DAY, MONDAY + DAY])
    assert found == [
        "bars[2].open_time: was 2024-01-02T00:00:00Z, "
        "needed a time after that of bars[1], 2024-01-02T00:00:00Z (a duplicate)"
    ]


def test_every_bar_that_is_not_after_all_before_it_is_reported() -> None:
    days = [0, 4, 1, 2, 5]
    found = problems_of(*[GOOD] * 5, open_time=[MONDAY + DAY * day for day in days])
    assert found == [
        f"bars[{row}].open_time: was 2024-01-0{day}T00:00:00Z, "
        "needed a time after that of bars[1], 2024-01-05T00:00:00Z"
        for row, day in ((2, 2), (3, 3))
    ]


def test_an_impossible_time_does_not_condemn_the_bars_after_it() -> None:
    times = [MONDAY, MONDAY + 900 * DAY + 1, MONDAY + DAY]
    assert [text[:17] for text in problems_of(*[GOOD] * 3, open_time=times)] == [
        "bars[1].open_time"
    ]


@pytest.mark.parametrize("length", [0, -1, DAY + 1])
def test_a_bar_closes_after_it_opens_and_not_after_its_slot(length: int) -> None:
    (found,) = problems_of(GOOD, close_after=length)
    assert found.startswith("bars[0].close_time: was 202")
    assert "needed after the open time 2024-01-01T00:00:00Z" in found
    assert found.endswith("the end of the slot, 2024-01-02T00:00:00Z")


def test_a_bar_may_close_before_its_slot_ends() -> None:
    assert problems_of(GOOD, close_after=21 * 3_600) == []


def checked(**changes: object) -> BarSeries:
    values: dict[str, object] = {
        "symbol": "AAPL",
        "timeframe": DAILY,
        "open_time": [MONDAY, MONDAY + DAY],
        "ohlcv": [GOOD, GOOD],
    }
    return BarSeries.checked(**{**values, **changes})  # type: ignore[arg-type]  # wrong on purpose


def test_a_series_closes_at_the_end_of_its_slots_unless_told_otherwise() -> None:
    assert checked().close_time.tolist() == [MONDAY + DAY, MONDAY + 2 * DAY]
    assert checked(close_time=[MONDAY + 1, MONDAY + DAY + 1]).close_time[0] == MONDAY + 1


def test_a_series_keeps_its_own_read_only_copy() -> None:
    values: NDArray[np.float64] = np.array([GOOD, GOOD])
    series = checked(ohlcv=values)
    values[:] = 0.0
    assert series.ohlcv[0].tolist() == list(GOOD)
    with pytest.raises(ValueError, match="read-only"):
        series.ohlcv[0, 0] = 1.0


def test_invalid_bars_lists_every_problem_and_shows_twenty() -> None:
    bars: NDArray[np.float64] = np.tile(np.array(GOOD), (30, 1))
    bars[:, 1] = np.nan
    with pytest.raises(InvalidBars) as caught:
        checked(ohlcv=bars, open_time=MONDAY + DAY * np.arange(30))
    assert [problem.row for problem in caught.value.problems] == list(range(30))
    assert str(caught.value).startswith("AAPL: bars[0].high: was nan, needed")
    assert str(caught.value).endswith("; and 10 more")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ohlcv": [[1.0, 2.0]]}, r"ohlcv: was shape \(1, 2\), needed shape \(n, 5\)"),
        ({"open_time": [MONDAY]}, r"open_time: was shape \(1,\), needed shape \(2,\)"),
        ({"close_time": [MONDAY]}, r"close_time: was shape \(1,\), needed shape \(2,\)"),
        ({"open_time": [0.5, 1.5]}, "open_time: was of type float64, needed integers"),
    ],
)
def test_arrays_that_are_no_bars_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArray, match=message):
        checked(**changes)


def test_an_empty_series_is_a_series() -> None:
    assert len(checked(open_time=[], ohlcv=np.empty((0, 5)))) == 0


def test_parts_of_a_series() -> None:
    series = random_walk_bars(10)
    assert series.tail(3).open_time.tolist() == series.open_time[7:].tolist()
    assert len(series.tail(99)) == 10
    assert series.slice(2, 5).ohlcv.tolist() == series.ohlcv[2:5].tolist()
    start, end = int(series.open_time[2]), int(series.open_time[5])
    assert series.between(start, end).close_time.tolist() == series.close_time[2:5].tolist()
    assert len(series.between(start + 1, end + 1)) == 3


@pytest.mark.parametrize(
    "text", ["AAPL", "BTC/USDT", "^GSPC", "BRK.B", "EURUSD=X", "6E-H25", "A" * 64]
)
def test_symbols(text: str) -> None:
    assert check_symbol(text) == text


@pytest.mark.parametrize("text", ["", " ", "A B", "-A", "/A", "A" * 65, "AAPL\n", "Ä", "A{B"])
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(InvalidSymbol, match="needed 1 to 64 characters"):
        check_symbol(text)
