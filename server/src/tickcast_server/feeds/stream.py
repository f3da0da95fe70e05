"""One subscriber's events, in order: where it begins, each closed bar, gaps, heartbeats."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum, auto

from tickcast_server.errors import (
    PositionAhead,
    PositionExpired,
    SlowReader,
    StoreUnavailable,
    SymbolNotFound,
    TimeframeNotFound,
)
from tickcast_server.feeds.fanout import Fanout, Subscription
from tickcast_server.store.memory import Memory
from tickcast_server.store.store import BarRow, SeriesKey

# Bars read from memory at a time: other requests get their turn between two reads.
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Position:
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
    limit: int
    """Bars of one series that a reader may be behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    starts: Sequence[tuple[SeriesKey, Position, StartMode]]
    without_bars: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBar:
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

    def __init__(self, memory: Memory, subscription: Subscription, query: StreamQuery) -> None:
        self._memory = memory
        self._subscription = subscription
        self._query = query
        self._sent: dict[SeriesKey, int] = {}
        self._catching_up: dict[SeriesKey, int] = {}
        self._unreported: set[SeriesKey] = set()
        self._unread: dict[SeriesKey, None] = {}

    async def events(self) -> AsyncGenerator[Event]:
        """Endless. Raises `PositionExpired`, `PositionAhead`, `SlowReader`, `ShuttingDown`."""
        started, pending = self._start()
        yield started
        for gap in self._replaced_epochs():
            yield gap
        silent_since = time.monotonic()
        while True:
            progress = False
            for key in pending:
                async for event in self._catch_up(key):
                    progress = True
                    yield event
            if progress:
                silent_since = time.monotonic()
            wait = self._query.heartbeat - (time.monotonic() - silent_since)
            news, epoch_changed = await self._subscription.news(max(wait, 0))
            if epoch_changed:
                for gap in self._restart():
                    yield gap
            pending = list(dict.fromkeys([*self._unread, *news]))
            if not news:
                silent_since = time.monotonic()
                yield self._heartbeat()

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
                block = await self._memory.bars_after(key, sent, _CHUNK)
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
            for index in range(len(block)):
                if epoch != self._memory.epoch:
                    return
                self._sent[key] = sent = block.first_sequence + index
                self._unreported.add(key)
                yield ClosedBar(key=key, position=Position(epoch, sent), bar=block.row(index))

    def _gap_when_behind(self, key: SeriesKey, sent: int, last: int) -> Gap | None:
        behind = last - sent
        if sent < self._catching_up.get(key, 0) or behind <= self._query.limit:
            return None
        if self._query.when_behind is WhenBehind.CLOSE:
            raise SlowReader(key.symbol, key.timeframe, behind=behind, limit=self._query.limit)
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


async def follow(memory: Memory, fanout: Fanout, query: StreamQuery) -> AsyncGenerator[Event]:
    """The events of one subscriber, for as long as it reads them."""
    subscription = fanout.subscribe(query.timeframe, query.symbols)
    try:
        async with aclosing(BarStream(memory, subscription, query).events()) as events:
            async for event in events:
                yield event
    finally:
        fanout.unsubscribe(subscription)
