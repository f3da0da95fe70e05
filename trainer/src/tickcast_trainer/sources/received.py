"""Bars as a source gave them: not adjusted, not checked, each row knowing where it came from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReceivedBars:
    """Rows of one symbol in the order in which they came; some may be no bars at all."""

    open_time: NDArray[np.int64]
    """Start of each bar, seconds since the Unix epoch, shape (n,)."""

    close_time: NDArray[np.int64] | None
    """When each bar was known, shape (n,); None where the source tells no such time."""

    ohlcv: NDArray[np.float64]
    """Open, high, low, close and volume, shape (n, 5)."""

    adjusted_close: NDArray[np.float64]
    """Close adjusted for splits and dividends, shape (n,); NaN where the source tells none."""

    provenance: NDArray[np.object_]
    """File or request of each row, shape (n,); never with a key in it."""

    row: NDArray[np.int64]
    """Number of the row in that file or answer, shape (n,)."""

    def __len__(self) -> int:
        return len(self.open_time)

    def take(self, positions: NDArray[np.intp] | NDArray[np.bool_]) -> "ReceivedBars":
        """Return the rows at ``positions``."""
        close = self.close_time
        return ReceivedBars(
            open_time=self.open_time[positions],
            close_time=None if close is None else close[positions],
            ohlcv=self.ohlcv[positions],
            adjusted_close=self.adjusted_close[positions],
            provenance=self.provenance[positions],
            row=self.row[positions],
        )


def concatenate(parts: Sequence[ReceivedBars]) -> ReceivedBars:
    """Put pages one after the other; they agree on whether close times are told."""
    closes = [part.close_time for part in parts if part.close_time is not None]
    if not parts:
        return no_bars()
    return ReceivedBars(
        open_time=np.concatenate([part.open_time for part in parts]),
        close_time=np.concatenate(closes) if len(closes) == len(parts) else None,
        ohlcv=np.concatenate([part.ohlcv for part in parts]),
        adjusted_close=np.concatenate([part.adjusted_close for part in parts]),
        provenance=np.concatenate([part.provenance for part in parts]),
        row=np.concatenate([part.row for part in parts]),
    )


def page(
    open_time: Sequence[int],
    ohlcv: Sequence[Sequence[float]],
    *,
    provenance: str,
    adjusted_close: Sequence[float] | None = None,
) -> ReceivedBars:
    """Make the rows of one answer, numbered from 1."""
    count = len(open_time)
    adjusted = np.full(count, np.nan) if adjusted_close is None else adjusted_close
    return ReceivedBars(
        open_time=np.asarray(open_time, dtype=np.int64),
        close_time=None,
        ohlcv=np.asarray(ohlcv, dtype=np.float64).reshape(count, 5),
        adjusted_close=np.asarray(adjusted, dtype=np.float64),
        provenance=np.full(count, provenance, dtype=object),
        row=np.arange(1, count + 1),
    )


def no_bars() -> ReceivedBars:
    """Return no rows."""
    return page([], [], provenance="")
