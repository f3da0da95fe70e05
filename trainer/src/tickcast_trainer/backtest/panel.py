"""Panel: the bars of many symbols side by side on one clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.errors import InvalidArray
from tickcast_modelkit.timeframe import Timeframe

SECONDS_PER_YEAR = 365.25 * 86_400.0

_OPEN, _HIGH, _LOW, _CLOSE = range(4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Prices of N symbols in T slots, (T, N) float64, NaN where a symbol has no bar.

    A slot is there when any symbol has a bar in it. Instants are seconds since the epoch, UTC.
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe

    open_time: NDArray[np.int64]
    """Start of each slot, shape (T,), ascending."""

    close_time: NDArray[np.int64]
    """When the last bar of each slot was known, shape (T,)."""

    open: NDArray[np.float64]
    """First price of each bar, shape (T, N)."""

    close: NDArray[np.float64]
    """Last price of each bar, shape (T, N)."""

    reach: NDArray[np.float64]
    """High less low of each bar, in units of price, shape (T, N)."""

    @classmethod
    def of(cls, series: Sequence[BarSeries]) -> Self:
        """Lay series of one timeframe side by side, in the order given.

        Raises InvalidArray when there are no bars, when a symbol comes twice or timeframes differ.
        """
        _check(series)
        open_time = reduce(np.union1d, (one.open_time for one in series)).astype(np.int64)
        shape = (len(open_time), len(series))
        close_time = np.zeros(len(open_time), dtype=np.int64)
        first, last, reach = (np.full(shape, np.nan) for _ in range(3))
        for column, one in enumerate(series):
            rows = np.searchsorted(open_time, one.open_time)
            close_time[rows] = np.maximum(close_time[rows], one.close_time)
            first[rows, column] = one.ohlcv[:, _OPEN]
            last[rows, column] = one.ohlcv[:, _CLOSE]
            reach[rows, column] = one.ohlcv[:, _HIGH] - one.ohlcv[:, _LOW]
        return cls(
            symbols=tuple(one.symbol for one in series),
            timeframe=series[0].timeframe,
            open_time=open_time,
            close_time=close_time,
            open=first,
            close=last,
            reach=reach,
        )

    def __len__(self) -> int:
        return len(self.open_time)

    @property
    def has_bar(self) -> NDArray[np.bool_]:
        """Where a symbol has a bar, shape (T, N)."""
        return np.isfinite(self.close)

    def slice(self, start: int, stop: int) -> Self:
        """Return the slots ``start`` (inclusive) to ``stop`` (exclusive), as views."""
        rows = slice(start, stop)
        return type(self)(
            symbols=self.symbols,
            timeframe=self.timeframe,
            open_time=self.open_time[rows],
            close_time=self.close_time[rows],
            open=self.open[rows],
            close=self.close[rows],
            reach=self.reach[rows],
        )


def _check(series: Sequence[BarSeries]) -> None:
    symbols = [one.symbol for one in series]
    if not any(len(one) for one in series):
        raise InvalidArray("series", was="without bars", needed="at least one bar")
    if len(set(symbols)) < len(symbols):
        raise InvalidArray("series", was=f"of {', '.join(symbols)}", needed="each symbol once")
    timeframes = {one.timeframe for one in series}
    if len(timeframes) > 1:
        found = ", ".join(sorted(map(str, timeframes)))
        raise InvalidArray("series", was=f"of timeframes {found}", needed="one timeframe")
