"""Windows: the last W bars up to a bar, one at a time for serving, many at a time for training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.errors import InvalidArray, TooFewBars

# Enough rows that numpy's cost for each call vanishes, few enough that the columns of a chunk
# (0.25 MB each at a window of 256) stay in the processor's cache.
CHUNK_ROWS = 128


class WindowSize(Protocol):
    """How long a window is; every FeatureSet is one."""

    @property
    def window(self) -> int:
        """Bars in a window."""

    @property
    def minimum_bars(self) -> int:
        """Fewest bars that a window may be made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows of W bars each, oldest bar first.

    A symbol younger than W bars has its window filled on the left with flat bars at its first open,
    with the volume and the open time of its first bar.
    """

    ohlcv: NDArray[np.float64]
    """Open, high, low, close and volume, shape (n, W, 5), any strides."""

    open_time: NDArray[np.int64]
    """Start of each bar's slot in seconds since the Unix epoch, shape (n, W), any strides."""

    def __post_init__(self) -> None:
        if self.ohlcv.ndim != 3 or self.ohlcv.shape[2] != 5:
            raise InvalidArray("ohlcv", was=f"shape {self.ohlcv.shape}", needed="shape (n, W, 5)")
        if self.open_time.shape != self.ohlcv.shape[:2]:
            raise InvalidArray(
                "open_time",
                was=f"shape {self.open_time.shape}",
                needed=f"shape {self.ohlcv.shape[:2]}, one for each bar of ohlcv",
            )

    def __len__(self) -> int:
        return len(self.ohlcv)


def last_window(
    size: WindowSize, open_time: NDArray[np.int64], ohlcv: NDArray[np.float64]
) -> Windows:
    """Return the one window that ends at the last bar: what a server computes when a bar closes.

    ``open_time`` (m,) and ``ohlcv`` (m, 5) are one symbol's valid bars, oldest first; only the last
    W are looked at. Raises TooFewBars when m is below the minimum.
    """
    if len(open_time) < size.minimum_bars:
        raise TooFewBars(held=len(open_time), needed=size.minimum_bars)
    missing = max(0, size.window - len(open_time))
    times, values = _padded(open_time[-size.window :], ohlcv[-size.window :], missing)
    return Windows(values[np.newaxis], times[np.newaxis])


def sliding_windows(
    size: WindowSize, series: BarSeries, *, chunk_rows: int = CHUNK_ROWS
) -> Iterator[tuple[NDArray[np.int64], Windows]]:
    """Yield the window of every bar that has enough bars up to it: what a trainer computes.

    Yields chunks of at most ``chunk_rows`` windows, each with the rows (k,) of ``series`` at which
    its windows end, from ``minimum_bars - 1`` on. The windows are views, so that memory does not
    grow with their number; a series that is too short yields nothing.
    """
    first = size.minimum_bars - 1
    if len(series) <= first:
        return
    times, values = _padded(series.open_time, series.ohlcv, size.window - size.minimum_bars)
    sliding = np.lib.stride_tricks.sliding_window_view
    all_times = sliding(times, size.window)
    all_values = sliding(values, size.window, axis=0).transpose(0, 2, 1)
    for start in range(0, len(all_times), chunk_rows):
        stop = min(start + chunk_rows, len(all_times))
        rows = np.arange(first + start, first + stop, dtype=np.int64)
        yield rows, Windows(all_values[start:stop], all_times[start:stop])


def _padded(
    open_time: NDArray[np.int64], ohlcv: NDArray[np.float64], missing: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if missing == 0:
        return open_time, ohlcv
    first_open, first_volume = ohlcv[0, 0], ohlcv[0, 4]
    flat = np.array([first_open, first_open, first_open, first_open, first_volume])
    return (
        np.concatenate([np.full(missing, open_time[0], dtype=np.int64), open_time]),
        np.concatenate([np.tile(flat, (missing, 1)), ohlcv]),
    )
