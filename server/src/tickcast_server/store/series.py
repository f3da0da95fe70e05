"""What this process holds of one series."""

from __future__ import annotations

import asyncio

import numpy as np
from tickcast_modelkit.features import FeatureSet

from tickcast_server.store.store import BarBlock, BarRow, FeatureRow, SeriesKey


class Series:
    """The last bars and features of one series.

    Blocks and rows are replaced, never changed, so that a reader can keep what it was given.
    """

    __slots__ = ("_newest", "bars", "features", "key", "last_sequence", "lock")

    def __init__(self, key: SeriesKey) -> None:
        self.key = key
        self.last_sequence = 0
        self.bars: BarBlock | None = None
        self.features: dict[str, FeatureRow] = {}
        self.lock = asyncio.Lock()
        self._newest: tuple[BarBlock, BarRow] | None = None

    def extend(self, block: BarBlock, capacity: int) -> bool:
        """Takes in bars that were stored; says whether there were any new ones.

        When bars in between are missing here, the bars are dropped, to be read from the store.
        """
        fresh = block.after(self.last_sequence)
        if not len(fresh):
            return False
        if self.last_sequence == 0 and fresh.first_sequence == 1:
            self.bars = fresh.tail(capacity)
        elif self.bars is not None and fresh.first_sequence == self.last_sequence + 1:
            self.bars = _joined(self.bars, fresh).tail(capacity)
        else:
            self.bars = None
        self.last_sequence = fresh.last_sequence
        return True

    def newest(self) -> BarRow | None:
        """The last bar, when it is here; read out of the block once for all who ask."""
        if self.bars is None or not len(self.bars):
            return None
        if self._newest is None or self._newest[0] is not self.bars:
            self._newest = self.bars, self.bars.row(-1)
        return self._newest[1]

    def window(
        self, sequence: int | None, feature_set: FeatureSet, *, newest_only: bool
    ) -> BarBlock | None:
        """The bars that features at a bar, by default the last, are still to be computed from.

        None when they are here already, and when bars are missing here or there are too few.
        """
        at = self.last_sequence if sequence is None else sequence
        newest = at == self.last_sequence
        if self.bars is None or (newest_only and not newest):
            return None
        if newest and self.row(feature_set.id) is not None:
            return None
        window = self.bars.window(at, feature_set.window)
        if window is None or len(window) < feature_set.minimum_bars or window.last_sequence != at:
            return None
        return window

    def row(self, feature_set: str) -> FeatureRow | None:
        """The features at the last bar, when they are here."""
        row = self.features.get(feature_set)
        return row if row is not None and row.sequence == self.last_sequence else None


def _joined(head: BarBlock, tail: BarBlock) -> BarBlock:
    return BarBlock(
        first_sequence=head.first_sequence,
        open_time=np.concatenate((head.open_time, tail.open_time)),
        close_time=np.concatenate((head.close_time, tail.close_time)),
        ohlcv=np.concatenate((head.ohlcv, tail.ohlcv)),
    )
