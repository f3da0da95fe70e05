"""What is learned: the return that a row is labelled with. All are log returns over the horizon."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.manifest import Barrier, Manifest

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Target(Protocol):
    """A way to label rows."""

    @property
    def barrier(self) -> Barrier | None:
        """What the manifest says of it; None for the plain return."""
        ...

    def returns(self, close: Floats, rows: Rows, horizon: int) -> Floats:
        """Return the label of each of ``rows``, which are bars of ``close`` (n,).

        Nothing later than ``horizon`` bars after a row is looked at.
        """
        ...


class LogReturn:
    """The log of the close ``horizon`` bars later over the row's close."""

    barrier = None

    def returns(self, close: Floats, rows: Rows, horizon: int) -> Floats:
        """Return log returns (k,)."""
        return np.asarray(np.log(close[rows + horizon] / close[rows]))


@dataclass(frozen=True, slots=True)
class BarrierReturn:
    """The return at the first close beyond a barrier, or else at the end of the horizon.

    The triple-barrier method of Lopez de Prado (2018), "Advances in Financial Machine Learning",
    chapter 3, with both barriers as far away, in units of volatility: what a trader earns who takes
    profits and losses there.
    """

    barrier: Barrier

    def returns(self, close: Floats, rows: Rows, horizon: int) -> Floats:
        """Return log returns (k,); rows have at least ``barrier.bars`` bars before them."""
        level = np.log(close)
        reach = self._reach(level, rows, horizon)
        result = level[rows + horizon] - level[rows]
        # From the last bar to the first, so that the earliest touch is what stays.
        for ahead in range(horizon - 1, 0, -1):
            moved = level[rows + ahead] - level[rows]
            result = np.where(np.abs(moved) >= reach, moved, result)
        return result

    def _reach(self, level: Floats, rows: Rows, horizon: int) -> Floats:
        squared = np.diff(level) ** 2
        bars = self.barrier.bars
        mean = np.convolve(squared, np.full(bars, 1.0 / bars), mode="valid")[rows - bars]
        reach = self.barrier.width * np.sqrt(mean * horizon)
        # A price that has not moved has no barrier: any move would be beyond it.
        return np.where(reach > 0.0, reach, np.inf)


LOG_RETURN = LogReturn()

BARRIER_BARS = 20
"""Bars that the volatility of a barrier is taken from: about a month of daily ones."""


def target_of(manifest: Manifest) -> Target:
    """Return the target that a model was trained on."""
    return LOG_RETURN if manifest.barrier is None else BarrierReturn(manifest.barrier)
