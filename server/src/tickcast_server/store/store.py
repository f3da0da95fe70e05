"""What the server needs of a store, and the values that pass between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class SeriesKey(NamedTuple):
    """Names one sequence of bars."""

    symbol: str
    timeframe: str


class BarRow(NamedTuple):
    """One closed bar. Times in seconds since the epoch, UTC."""

    open_time: int
    close_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarBlock:
    """Bars of one series with consecutive sequence numbers, oldest first."""

    first_sequence: int
    """Sequence of the first bar; of the bar that would come next when the block is empty."""

    open_time: NDArray[np.int64]
    """(n,) seconds since the epoch."""

    close_time: NDArray[np.int64]
    """(n,) seconds since the epoch."""

    ohlcv: NDArray[np.float64]
    """(n, 5)"""

    def __len__(self) -> int:
        return len(self.open_time)

    @property
    def last_sequence(self) -> int:
        return self.first_sequence + len(self) - 1

    def row(self, index: int) -> BarRow:
        """The bar at `index`, as plain Python numbers."""
        return BarRow(
            int(self.open_time[index]), int(self.close_time[index]), *self.ohlcv[index].tolist()
        )

    def until(self, sequence: int) -> BarBlock:
        """The bars up to and including `sequence`."""
        return self[: max(sequence - self.first_sequence + 1, 0)]

    def after(self, sequence: int) -> BarBlock:
        """The bars after `sequence`."""
        return self[max(sequence - self.first_sequence + 1, 0) :]

    def window(self, sequence: int, count: int) -> BarBlock | None:
        """The last `count` bars up to `sequence`, fewer where the series begins among them.

        None when some of them lie before the block.
        """
        held = self.until(sequence)
        return held.tail(count) if len(held) >= count or self.first_sequence == 1 else None

    def tail(self, count: int) -> BarBlock:
        """The last `count` bars, or all when there are fewer."""
        return self[max(len(self) - count, 0) :]

    def __getitem__(self, part: slice) -> BarBlock:
        start, stop, _ = part.indices(len(self))
        if stop - start == len(self):
            return self
        return BarBlock(
            first_sequence=self.first_sequence + start,
            open_time=self.open_time[part],
            close_time=self.close_time[part],
            ohlcv=self.ohlcv[part],
        )


def block_of(first_sequence: int, rows: Sequence[BarRow]) -> BarBlock:
    """Packs rows with consecutive sequence numbers into a block."""
    return BarBlock(
        first_sequence=first_sequence,
        open_time=np.array([row.open_time for row in rows], dtype=np.int64),
        close_time=np.array([row.close_time for row in rows], dtype=np.int64),
        ohlcv=np.array([row[2:] for row in rows], dtype=np.float64).reshape(len(rows), 5),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureRow:
    """The features of one series at one bar."""

    sequence: int
    """Sequence of the last bar used."""

    as_of_time: int
    """Close of the last bar used, seconds since the epoch."""

    last_close: float
    """Price at the close of the last bar used."""

    bars_used: int
    """Bars that the features were computed from."""

    values: NDArray[np.float32]
    """(F,)"""


class AppendStatus(Enum):
    """What became of a bar that was offered to the store."""

    STORED = 0
    DUPLICATE = 1
    CONFLICT = 2
    OUT_OF_ORDER = 3
    BEFORE_RETENTION = 4


class AppendResult(NamedTuple):
    """The outcome of one bar."""

    status: AppendStatus

    sequence: int
    """The bar's sequence number; 0 when it is not stored."""

    other: BarRow | None = None
    """The bar that stands in the way: the stored one for CONFLICT, the last one for OUT_OF_ORDER,
    the oldest one for BEFORE_RETENTION."""


class BarStored(NamedTuple):
    """Says that a bar was stored, by this process or another."""

    key: SeriesKey
    epoch: str
    sequence: int
    bar: BarRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesEnds:
    """The two ends of what is held of a series."""

    first_sequence: int
    first: BarRow
    last_sequence: int
    last: BarRow


class EpochChanged(Exception):
    """The store is not the one that it was: its numbering began again."""

    def __init__(self, epoch: str) -> None:
        super().__init__(f"the store's epoch is now {epoch}")
        self.epoch = epoch


class Store(Protocol):
    """Bars, features and events, shared by every process that serves.

    Every method raises `StoreUnavailable` when the store does not answer in time, and leaves it
    to the caller whether to try again: each is safe to repeat.
    """

    async def open_epoch(self) -> str:
        """The store's identity, made when it has none yet."""

    async def renew_epoch(self, old: str) -> str:
        """Gives the store a new identity, unless another process has replaced `old` already."""

    async def append(
        self, epoch: str, batches: Sequence[tuple[SeriesKey, Sequence[BarRow]]]
    ) -> list[list[AppendResult]]:
        """Stores bars, and tells every process. Bars of a batch are in ascending order.

        Raises `EpochChanged`, having stored nothing, when the store is not the one of `epoch`.
        """

    async def last_bars(self, key: SeriesKey, count: int) -> BarBlock:
        """The last `count` bars."""

    async def bars_until(self, key: SeriesKey, sequence: int, count: int) -> BarBlock:
        """The last `count` bars up to and including `sequence`."""

    async def bars_between(self, key: SeriesKey, start: int, end: int, limit: int) -> BarBlock:
        """The first `limit` bars with start <= open_time < end."""

    async def ends(self, keys: Sequence[SeriesKey]) -> list[SeriesEnds | None]:
        """Oldest and last bar of each series; None for one without bars."""

    async def series(self) -> list[SeriesKey]:
        """Every series that holds bars, by symbol, then timeframe."""

    async def save_features(
        self, feature_set: str, rows: Sequence[tuple[SeriesKey, FeatureRow]]
    ) -> None:
        """Keeps feature rows for other processes and for the next start."""

    async def load_features(
        self, key: SeriesKey, feature_set: str
    ) -> tuple[FeatureRow | None, int]:
        """The kept feature row, if any, and the sequence of the last bar stored."""

    def events(self) -> AsyncIterator[BarStored | None]:
        """Bars as they are stored from now on; None whenever none came for a while.

        Raises `StoreUnavailable` when the store is lost: what was stored meanwhile is not repeated
        by a new iterator.
        """

    async def close(self) -> None:
        """Gives back the connections."""
