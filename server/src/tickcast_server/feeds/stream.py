"""One subscriber's events, in order: where it begins, each closed bar, gaps, heartbeats."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from tickcast_server.errors import (
    PositionAhead,
    PositionExpired,
    SlowReader,
    StoreUnavailable,
    SymbolNotFound,
    TimeframeNotFound,
)
from tickcast_server.feeds.fanout import Subscription
from tickcast_server.store.memory import Memory
from tickcast_server.store.store import BarRow, SeriesKey

# Bars of one series read at a time, and events handed over at a time: other calls get their turn in
# between.
_CHUNK = 64
_BATCH = 128

Ready = Callable[[SeriesKey, int], bool]
"""Whether the last bar of a series can be sent, or is held back until others have arrived."""


# What is made for every bar is a named tuple: a frozen dataclass takes twice as long to make, and
# to look up by.
class Position(NamedTuple):
    """A bar's place: the epoch of the store and the number in its series."""

    epoch: str
    sequence: int


class StartMode(Enum):
    """How the first event of a series was chosen."""

    LIVE = auto()
    RESUMED = auto()
    SNAPSHOT = auto()


class GapReason(Enum):
    """Why bars were left out."""

    CONFLATED = auto()
    EPOCH_CHANGED = auto()


class WhenBehind(Enum):
    """What becomes of a reader that is slower than the bars."""

    CONFLATE = auto()
    """It goes on with the last bar, and is told of the gap."""

    CLOSE = auto()
    """Its stream ends with an error; it resumes where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamQuery:
    """What a subscriber asked for."""

    timeframe: str
    symbols: Sequence[str]
    """Empty for all."""

    resume_after: Mapping[str, Position]
    """By symbol."""

    snapshot: bool
    heartbeat: float
    """Longest silence, in seconds."""

    when_behind: WhenBehind


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    starts: Sequence[tuple[SeriesKey, Position, StartMode]]
    without_bars: Sequence[str]


class ClosedBar(NamedTuple):
    key: SeriesKey
    position: Position
    bar: BarRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    key: SeriesKey
    position: Position
    """What to resume after, were this the last event."""

    first: int
    last: int
    reason: GapReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    positions: Sequence[tuple[SeriesKey, Position]]


Event = Started | ClosedBar | Gap | Heartbeat


class BarStream:
    """Follows the series of one subscription."""

    def __init__(
        self,
        memory: Memory,
        subscription: Subscription,
        query: StreamQuery,
        *,
        limit: int,
        ready: Ready | None,
    ) -> None:
        """`limit` is how many bars of one series the reader may be behind."""
        self._memory = memory
        self._subscription = subscription
        self._query = query
        self._limit = limit
        self._ready = ready
        self._sent: dict[SeriesKey, int] = {}
        self._catching_up: dict[SeriesKey, int] = {}
        self._unreported: set[SeriesKey] = set()
        self._unread: dict[SeriesKey, None] = {}
        self._silent_since = time.monotonic()

    def heard(self) -> None:
        """Notes that the reader was sent something: the next heartbeat can wait."""
        self._silent_since = time.monotonic()

    async def batches(self) -> AsyncGenerator[Sequence[Event]]:
        """What can be sent by now, a part at a time. Endless.

        Raises `PositionExpired`, `PositionAhead`, `SlowReader`, `ShuttingDown`, and at the start
        `StoreUnavailable`.
        """
        await self._hear_of_positions()
        started, pending = self._start()
        yield [started, *self._replaced_epochs()]
        while True:
            async for batch in self._batches_of(pending):
                yield batch
            silence = time.monotonic() - self._silent_since
            woken = await self._subscription.wait(max(self._query.heartbeat - silence, 0))
            news, epoch_changed = self._subscription.take()
            if epoch_changed:
                yield self._restart()
            pending = list(dict.fromkeys([*self._unread, *news]))
            if not woken:
                yield [self._heartbeat()]

    def _start(self) -> tuple[Started, list[SeriesKey]]:
        query = self._query
        keys = sorted(self._subscription.keys) or self._memory.known(query.timeframe)
        starts = []
        without = []
        for key in keys:
            position, mode = self._first_position(key)
            self._sent[key] = position.sequence
            self._catching_up[key] = self._memory.last_sequence(key)
            self._unreported.add(key)
            if self._memory.last_sequence(key):
                starts.append((key, position, mode))
            else:
                without.append(key.symbol)
        return Started(starts=starts, without_bars=without), keys

    async def _hear_of_positions(self) -> None:
        # What another process has sent to this reader may not have been told of here yet.
        for symbol, position in self._query.resume_after.items():
            if position.epoch == self._memory.epoch:
                key = SeriesKey(symbol, self._query.timeframe)
                await self._memory.hear_of(key, position.sequence)

    def _first_position(self, key: SeriesKey) -> tuple[Position, StartMode]:
        last = self._memory.last_sequence(key)
        epoch = self._memory.epoch
        asked = self._query.resume_after.get(key.symbol)
        if asked is None:
            if self._query.snapshot and last:
                return Position(epoch, last - 1), StartMode.SNAPSHOT
            return Position(epoch, last), StartMode.LIVE
        if asked.epoch != epoch:
            # All that a replaced store holds is new to the caller.
            return Position(epoch, 0), StartMode.RESUMED
        if asked.sequence > last:
            raise PositionAhead(key.symbol, key.timeframe, sequence=asked.sequence, last=last)
        return asked, StartMode.RESUMED

    def _replaced_epochs(self) -> list[Gap]:
        return [
            self._epoch_gap(key)
            for key in self._sent
            if (asked := self._query.resume_after.get(key.symbol)) is not None
            and asked.epoch != self._memory.epoch
        ]

    def _restart(self) -> list[Gap]:
        for key in self._sent:
            self._sent[key] = 0
            self._catching_up[key] = 0
            self._unread[key] = None
        return [self._epoch_gap(key) for key in self._sent]

    def _epoch_gap(self, key: SeriesKey) -> Gap:
        return Gap(
            key=key,
            position=Position(self._memory.epoch, 0),
            first=1,
            last=0,
            reason=GapReason.EPOCH_CHANGED,
        )

    async def _batches_of(self, keys: Sequence[SeriesKey]) -> AsyncIterator[Sequence[Event]]:
        """What followed in these series; bars of several together, as they can be predicted so."""
        batch: list[Event] = []
        for key in keys:
            async for event in self._catch_up(key):
                batch.append(event)
                if len(batch) == _BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch

    async def _catch_up(self, key: SeriesKey) -> AsyncIterator[Event]:
        sent = self._sent.setdefault(key, 0)
        self._unread.pop(key, None)
        while sent < (last := self._memory.last_sequence(key)):
            epoch = self._memory.epoch
            gap = self._gap_when_behind(key, sent, last)
            if gap is not None:
                self._sent[key] = sent = gap.last
                yield gap
            try:
                bars = await self._bars_after(key, sent)
            except (SymbolNotFound, TimeframeNotFound, StoreUnavailable):
                # The store is away or was replaced meanwhile: tried again when that is over.
                self._unread[key] = None
                return
            except PositionExpired as error:
                if epoch != self._memory.epoch:
                    return
                if sent:
                    raise
                # From the beginning, as far as it is retained.
                self._sent[key] = sent = int(error.metadata["oldestSequence"])
                continue
            for sequence, bar in enumerate(bars, start=sent + 1):
                if epoch != self._memory.epoch:
                    return
                if self._is_held_back(key, sequence):
                    self._unread[key] = None
                    return
                self._sent[key] = sent = sequence
                self._unreported.add(key)
                yield ClosedBar(key=key, position=Position(epoch, sent), bar=bar)

    async def _bars_after(self, key: SeriesKey, sequence: int) -> Sequence[BarRow]:
        newest = self._memory.newest_bar(key, sequence + 1)
        if newest is not None:
            # Nearly always it is the one bar that has just come.
            return [newest]
        block = await self._memory.bars_after(key, sequence, _CHUNK)
        return [block.row(index) for index in range(len(block))]

    def _is_held_back(self, key: SeriesKey, sequence: int) -> bool:
        # Of a bar that another has followed, no more is to be expected.
        newest = sequence == self._memory.last_sequence(key)
        return self._ready is not None and newest and not self._ready(key, sequence)

    def _gap_when_behind(self, key: SeriesKey, sent: int, last: int) -> Gap | None:
        behind = last - sent
        if sent < self._catching_up.get(key, 0) or behind <= self._limit:
            return None
        if self._query.when_behind is WhenBehind.CLOSE:
            raise SlowReader(key.symbol, key.timeframe, behind=behind, limit=self._limit)
        return Gap(
            key=key,
            position=Position(self._memory.epoch, last - 1),
            first=sent + 1,
            last=last - 1,
            reason=GapReason.CONFLATED,
        )

    def _heartbeat(self) -> Heartbeat:
        epoch = self._memory.epoch
        positions = [(key, Position(epoch, self._sent[key])) for key in sorted(self._unreported)]
        self._unreported.clear()
        return Heartbeat(positions=positions)
