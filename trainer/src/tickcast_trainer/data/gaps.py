"""Slots in which a bar was to be expected and is none.

Markets close, so that the grid of the timeframe alone would find nights, weekends and holidays. A
slot without a bar is a gap when all of these hold:

- it lies between the first and the last bar of the symbol;
- its place in the week held a bar in at least half of the nine weeks around it (empty weeks not
  counted): what is shut every week is no gap, and what trades around the clock has no excuse;
- the symbol has bars before and after it on the same UTC day, or none on that day at all: sessions
  move against UTC with summer time, and end early before holidays;
- of a day without any bar: at least half of the other symbols held have bars on it, or there is no
  other: a day without anybody's bars is a holiday.

Timeframes that do not divide a week evenly, or are longer, are compared with the grid alone.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.data.findings import Finding, Kind

WEEK = 604_800
DAY = 86_400
_WEEKS_AROUND = 4
# 1970-01-05, a Monday: weeks then begin where those of the timeframes do.
_MONDAY = 4 * DAY


def find_gaps(
    open_times: Mapping[str, NDArray[np.int64]], timeframe: Timeframe
) -> dict[str, tuple[list[Finding], int]]:
    """Return the gaps of each symbol, one a run of slots, and how many bars were to be expected.

    ``open_times`` holds those of each symbol, ascending, on the grid, at least one.
    """
    days = {symbol: np.unique(times // DAY) for symbol, times in open_times.items()}
    found = {}
    for symbol, times in open_times.items():
        others = [days[other] for other in open_times if other != symbol]
        found[symbol] = _gaps_of(times, others, timeframe)
    return found


def _gaps_of(
    times: NDArray[np.int64], others: list[NDArray[np.int64]], timeframe: Timeframe
) -> tuple[list[Finding], int]:
    seconds = timeframe.seconds
    slots = np.arange(times[0], times[-1] + 1, seconds)
    filled = np.asarray(np.isin(slots, times))
    expected = filled.copy()
    missing = np.flatnonzero(~filled)
    if WEEK % seconds == 0 and seconds < WEEK:
        missing = missing[_is_usual(slots, filled, seconds)[missing]]
        missing = missing[_is_inside(slots[missing], times, others)]
    expected[missing] = True
    order = np.cumsum(expected) - 1
    # Runs of expected slots, so that a weekend between two missing days parts nothing.
    runs = np.split(missing, np.flatnonzero(np.diff(order[missing]) > 1) + 1)
    findings = [_finding(slots[run]) for run in runs if len(run)]
    return findings, int(expected.sum())


def _is_usual(
    slots: NDArray[np.int64], filled: NDArray[np.bool_], seconds: int
) -> NDArray[np.bool_]:
    per_week = WEEK // seconds
    offset = int((slots[0] - _MONDAY) % WEEK) // seconds
    weeks = -(-(offset + len(slots)) // per_week)
    grid = np.zeros(weeks * per_week, dtype=np.bool_)
    grid[offset : offset + len(slots)] = filled
    table = grid.reshape(weeks, per_week)
    # Only weeks that lie within the series as a whole tell what is usual; and those not empty.
    inside = np.zeros(weeks * per_week, dtype=np.bool_)
    inside[offset : offset + len(slots)] = True
    counted = inside.reshape(weeks, per_week) & table.any(axis=1, keepdims=True)
    usual = np.asarray(2 * _around(table) >= np.maximum(_around(counted), 1))
    return usual.reshape(-1)[offset : offset + len(slots)]


def _around(table: NDArray[np.bool_]) -> NDArray[np.int64]:
    padding = np.zeros((_WEEKS_AROUND + 1, table.shape[1]), dtype=np.int64)
    after = np.zeros((_WEEKS_AROUND, table.shape[1]), dtype=np.int64)
    sums = np.cumsum(np.concatenate([padding, table.astype(np.int64), after]), axis=0)
    return np.asarray(sums[2 * _WEEKS_AROUND + 1 :] - sums[: -2 * _WEEKS_AROUND - 1])


def _is_inside(
    missing: NDArray[np.int64], times: NDArray[np.int64], others: list[NDArray[np.int64]]
) -> NDArray[np.bool_]:
    day = missing // DAY
    after = np.searchsorted(times, missing)
    has_before = times[after - 1] // DAY == day
    has_after = times[np.minimum(after, len(times) - 1)] // DAY == day
    is_trading = _is_trading_day(day, others)
    return np.where(has_before | has_after, has_before & has_after, is_trading)


def _is_trading_day(day: NDArray[np.int64], others: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
    alive = np.zeros(len(day), dtype=np.int64)
    trading = np.zeros(len(day), dtype=np.int64)
    for held in others:
        alive += (held[0] <= day) & (day <= held[-1])
        trading += np.isin(day, held)
    return np.asarray(2 * trading >= alive)


def _finding(slots: NDArray[np.int64]) -> Finding:
    start, end = int(slots[0]), int(slots[-1])
    return Finding(
        kind=Kind.GAP,
        source="",
        start=start,
        end=end,
        bars=len(slots),
        detail=f"{len(slots)} missing, the last of {np.datetime64(end, 's')}Z",
    )
