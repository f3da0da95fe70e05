"""Bars: the columns, one symbol's series, and validation that lists every bad row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tickcast_modelkit.errors import InvalidArray, InvalidBars, InvalidSymbol
from tickcast_modelkit.timeframe import Timeframe

BAR_COLUMNS = ("open", "high", "low", "close", "volume")

# A value beyond these is a fault of its feed; within them every feature is finite in float32.
LEAST_PRICE = 1e-15
GREATEST_PRICE = 1e15
GREATEST_VOLUME = 1e30
LAST_INSTANT = 253_402_300_799  # 9999-12-31T23:59:59Z, the last that a protobuf Timestamp holds

_LEAST = np.array([LEAST_PRICE] * 4 + [0.0])
_GREATEST = np.array([GREATEST_PRICE] * 4 + [GREATEST_VOLUME])
_SYMBOL = re.compile(r"[A-Za-z0-9^][A-Za-z0-9._:/=^-]{0,63}")


def is_symbol(text: str) -> bool:
    """Return whether ``text`` is a symbol, as ``check_symbol`` has it."""
    return _SYMBOL.fullmatch(text) is not None


def check_symbol(text: str) -> str:
    """Return ``text`` if it is a symbol: 1 to 64 of letters, digits and ``._:/=^-``.

    The first character is a letter, a digit or ``^``. Raises InvalidSymbol.
    """
    if not is_symbol(text):
        raise InvalidSymbol(
            f"symbol: was {text!r}, needed 1 to 64 characters, the first a letter, a digit or ^, "
            "the others letters, digits or any of . _ : / = ^ -"
        )
    return text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarSeries:
    """The bars of one symbol in one timeframe, ascending and valid.

    Made by ``checked``; the arrays are read-only. Instants are seconds since the Unix epoch, UTC.
    """

    symbol: str
    timeframe: Timeframe

    open_time: NDArray[np.int64]
    """Start of each bar's slot, shape (n,)."""

    close_time: NDArray[np.int64]
    """When each bar was known, shape (n,): after its open_time, at the latest the slot's end."""

    ohlcv: NDArray[np.float64]
    """Open, high, low, close and volume, shape (n, 5)."""

    @classmethod
    def checked(
        cls,
        *,
        symbol: str,
        timeframe: Timeframe,
        open_time: ArrayLike,
        ohlcv: ArrayLike,
        close_time: ArrayLike | None = None,
    ) -> BarSeries:
        """Copy the arrays into a series after checking them.

        ``open_time`` (n,) and ``close_time`` (n,) are integers, ``ohlcv`` is (n, 5). A bar whose
        close time is not given closes at the end of its slot. Raises InvalidSymbol, InvalidArray,
        and InvalidBars with every problem of every row.
        """
        check_symbol(symbol)
        values = np.array(ohlcv, dtype=np.float64, order="C")
        if values.ndim != 2 or values.shape[1] != len(BAR_COLUMNS):
            raise InvalidArray("ohlcv", was=f"shape {values.shape}", needed="shape (n, 5)")
        opens = _instants("open_time", open_time, len(values))
        if close_time is None:
            closes = opens + timeframe.seconds
        else:
            closes = _instants("close_time", close_time, len(values))
        if problems := find_bar_problems(opens, closes, values, timeframe):
            raise InvalidBars(symbol, problems)
        for array in (opens, closes, values):
            array.setflags(write=False)
        return cls(
            symbol=symbol, timeframe=timeframe, open_time=opens, close_time=closes, ohlcv=values
        )

    def __len__(self) -> int:
        return len(self.open_time)

    def tail(self, n: int) -> BarSeries:
        """Return the last ``n`` bars, or all when there are fewer."""
        return self.slice(max(0, len(self) - n), len(self))

    def slice(self, start: int, stop: int) -> BarSeries:
        """Return the bars of rows ``start`` (inclusive) to ``stop`` (exclusive)."""
        return BarSeries(
            symbol=self.symbol,
            timeframe=self.timeframe,
            open_time=self.open_time[start:stop],
            close_time=self.close_time[start:stop],
            ohlcv=self.ohlcv[start:stop],
        )

    def closed_by(self, instant: int) -> BarSeries:
        """Return the bars that had closed at ``instant`` or before."""
        return self.slice(0, int(np.searchsorted(self.close_time, instant, side="right")))

    def between(self, start: int, end: int) -> BarSeries:
        """Return the bars that open at ``start`` or later and before ``end``."""
        first, last = np.searchsorted(self.open_time, (start, end))
        return self.slice(int(first), int(last))


@dataclass(frozen=True, slots=True)
class BarProblem:
    """One value of one bar that cannot be."""

    row: int
    """Row of the bar, counted from 0."""

    column: str
    """``open_time``, ``close_time`` or one of BAR_COLUMNS."""

    value: str
    """What was found."""

    needed: str
    """What was needed, as the end of a sentence."""

    def __str__(self) -> str:
        return f"bars[{self.row}].{self.column}: was {self.value}, needed {self.needed}"


def find_bar_problems(
    open_time: NDArray[np.int64],
    close_time: NDArray[np.int64],
    ohlcv: NDArray[np.float64],
    timeframe: Timeframe,
    *,
    ordered: bool = True,
) -> list[BarProblem]:
    """Return every problem of every bar, in the order of the rows; empty for valid bars.

    ``open_time`` and ``close_time`` are (n,) epoch seconds, ``ohlcv`` is (n, 5). Checked:
    prices are finite and within LEAST_PRICE to GREATEST_PRICE, volume is 0 to GREATEST_VOLUME;
    low <= open, close <= high; open times lie on the grid of the timeframe, from 1970 to 9999, each
    after all before it unless the bars are not ``ordered``; close times lie after the open time and
    not after the end of the slot.
    """
    problems = [
        *_value_problems(ohlcv),
        *_range_problems(ohlcv),
        *_open_time_problems(open_time, timeframe, ordered=ordered),
        *_close_time_problems(open_time, close_time, timeframe),
    ]
    return sorted(problems, key=lambda problem: problem.row)


def is_sound_bar(
    open_time: int,
    close_time: int,
    ohlcv: tuple[float, float, float, float, float],
    timeframe: Timeframe,
) -> bool:
    """Return whether ``find_bar_problems`` finds nothing in one bar, in a tenth of its time."""
    first, high, low, last, volume = ohlcv
    return (
        LEAST_PRICE <= low <= first <= high <= GREATEST_PRICE
        and low <= last <= high
        and 0 <= volume <= GREATEST_VOLUME
        and 0 <= open_time <= LAST_INSTANT
        and 0 < close_time - open_time <= timeframe.seconds
        and timeframe.is_on_grid(open_time)
    )


def _value_problems(ohlcv: NDArray[np.float64]) -> Iterator[BarProblem]:
    # Written so that NaN, for which no comparison holds, counts as wrong.
    wrong = ~((ohlcv >= _LEAST) & (ohlcv <= _GREATEST))
    if not wrong.any():
        return
    for row, column in np.argwhere(wrong).tolist():
        yield BarProblem(
            row,
            BAR_COLUMNS[column],
            repr(float(ohlcv[row, column])),
            f"a finite number from {_LEAST[column]:g} to {_GREATEST[column]:g}",
        )


def _range_problems(ohlcv: NDArray[np.float64]) -> Iterator[BarProblem]:
    prices = ohlcv[:, :4]
    high, low = prices[:, 1], prices[:, 2]
    inconsistent = (high < prices.max(axis=1)) | (low > prices.min(axis=1))
    if not inconsistent.any():
        return
    # A price that is wrong by itself has been reported as that.
    sound = ((prices >= LEAST_PRICE) & (prices <= GREATEST_PRICE)).all(axis=1)
    for row in np.flatnonzero(inconsistent & sound).tolist():
        values = dict(zip(BAR_COLUMNS, ohlcv[row].tolist(), strict=True))
        ceiling = max(("open", "low", "close"), key=values.__getitem__)
        if values["high"] < values[ceiling]:
            needed = f"at least {ceiling} {values[ceiling]!r}"
            yield BarProblem(row, "high", repr(values["high"]), needed)
        floor = min(("open", "close"), key=values.__getitem__)
        if values["low"] > values[floor]:
            needed = f"at most {floor} {values[floor]!r}"
            yield BarProblem(row, "low", repr(values["low"]), needed)


def _open_time_problems(
    open_time: NDArray[np.int64], timeframe: Timeframe, *, ordered: bool
) -> Iterator[BarProblem]:
    possible = (open_time >= 0) & (open_time <= LAST_INSTANT)
    on_grid = timeframe.on_grid(open_time)
    # Order is judged among the times that could be; one that could not would condemn all after it.
    judged = np.where(possible & on_grid, open_time, -1)
    latest = np.maximum.accumulate(judged)
    behind = np.zeros(len(open_time), dtype=np.bool_)
    if ordered:
        behind[1:] = (judged[1:] >= 0) & (judged[1:] <= latest[:-1])
    for row in np.flatnonzero(~possible | ~on_grid | behind).tolist():
        time = int(open_time[row])
        if not possible[row]:
            needed = "1970-01-01 to 9999-12-31"
        elif not on_grid[row]:
            needed = f"the start of a slot of {timeframe}, such as {_text(timeframe.floor(time))}"
        else:
            before = int(np.flatnonzero(judged[:row] == latest[row - 1])[0])
            duplicate = " (a duplicate)" if time == latest[row - 1] else ""
            needed = (
                f"a time after that of bars[{before}], {_text(int(latest[row - 1]))}{duplicate}"
            )
        yield BarProblem(row, "open_time", _text(time), needed)


def _close_time_problems(
    open_time: NDArray[np.int64], close_time: NDArray[np.int64], timeframe: Timeframe
) -> Iterator[BarProblem]:
    # Counted from the open time, which cannot overflow where both times are possible.
    length = close_time - open_time
    wrong = (length <= 0) | (length > timeframe.seconds)
    if not wrong.any():
        return
    for row in np.flatnonzero(wrong).tolist():
        start = int(open_time[row])
        needed = (
            f"after the open time {_text(start)} and at the latest the end of the slot, "
            f"{_text(timeframe.close_of(start))}"
        )
        yield BarProblem(row, "close_time", _text(int(close_time[row])), needed)


def _text(time: int) -> str:
    if 0 <= time <= LAST_INSTANT:
        return f"{np.datetime64(time, 's')}Z"
    return f"{time} s since 1970"


def _instants(name: str, values: ArrayLike, length: int) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise InvalidArray(name, was=f"of type {array.dtype}", needed="integers: epoch seconds")
    if array.shape != (length,):
        raise InvalidArray(
            name, was=f"shape {array.shape}", needed=f"shape ({length},), one for each bar"
        )
    return np.array(array, dtype=np.int64)
