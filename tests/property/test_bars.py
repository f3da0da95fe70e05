"""Validation finds what is wrong with bars, all of it and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_modelkit.bars import BAR_COLUMNS, BarSeries, find_bar_problems
from tickcast_modelkit.errors import InvalidBars
from tickcast_modelkit.testing import random_walk_bars

DAY = 86_400

# What can be wrong with a bar, and the column that is then to be named; empty for any of them.
FAULTS = {
    "nan": "",
    "negative": "",
    "infinite": "",
    "high under low": "high",
    "low over close": "low",
    "off the grid": "open_time",
    "before 1970": "open_time",
    "duplicate": "open_time",
    "closes late": "close_time",
    "closes early": "close_time",
}


@settings(deadline=None)
@given(
    n=st.integers(2, 60),
    seed=st.integers(0, 100),
    planted=st.dictionaries(
        st.integers(1, 59), st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(0, 4))
    ),
)
def test_exactly_the_planted_rows_are_reported(
    n: int, seed: int, planted: dict[int, tuple[str, int]]
) -> None:
    bars = random_walk_bars(n, seed=seed)
    open_time, close_time = bars.open_time.copy(), bars.close_time.copy()
    ohlcv = bars.ohlcv.copy()
    expected: dict[int, str] = {}
    for row, (fault, column) in planted.items():
        # A duplicate needs a sound bar before it to be a duplicate of.
        if row >= n or (fault == "duplicate" and row - 1 in planted):
            continue
        expected[row] = FAULTS[fault] or BAR_COLUMNS[column]
        match fault:
            case "nan":
                ohlcv[row, column] = np.nan
            case "negative":
                ohlcv[row, column] = -1.0
            case "infinite":
                ohlcv[row, column] = np.inf
            case "high under low":
                ohlcv[row, :4] = (9.0, 8.0, 9.0, 9.0)
            case "low over close":
                ohlcv[row, :4] = (9.0, 10.0, 9.0, 8.0)
            case "off the grid":
                open_time[row] += 1
            case "before 1970":
                open_time[row] = close_time[row] = -DAY * row
                close_time[row] += 1
            case "duplicate":
                open_time[row] = open_time[row - 1]
                close_time[row] = close_time[row - 1]
            case "closes late":
                close_time[row] += 1
            case "closes early":
                close_time[row] = open_time[row]
    found = find_bar_problems(open_time, close_time, ohlcv, bars.timeframe)
    assert {problem.row: problem.column for problem in found} == expected
    assert [problem.row for problem in found] == sorted(expected)
    if expected:
        with pytest.raises(InvalidBars) as caught:
            BarSeries.checked(
                symbol="TEST",
                timeframe=bars.timeframe,
                open_time=open_time,
                close_time=close_time,
                ohlcv=ohlcv,
            )
        assert list(caught.value.problems) == found
