"""This process's copy of the store: what predictions are answered from.

It follows the store's events, so that bars which another process took in appear here as well,
and goes on answering when the store is away, saying so.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

import structlog
from tickcast_modelkit.errors import TooFewBars
from tickcast_modelkit.features import FeatureSet

from tickcast_server.errors import (
    NotEnoughBars,
    PositionExpired,
    StoreUnavailable,
    SymbolNotFound,
    TickcastError,
    TimeframeNotFound,
)
from tickcast_server.store.cross_section import CrossSections
from tickcast_server.store.feature_rows import compute_many, compute_row
from tickcast_server.store.feature_saving import FeatureSaving
from tickcast_server.store.group_commit import Batch, GroupCommit
from tickcast_server.store.peers import Peers
from tickcast_server.store.readiness import Readiness
from tickcast_server.store.series import Series
from tickcast_server.store.store import (
    AppendResult,
    AppendStatus,
    BarBlock,
    BarRow,
    BarStored,
    EpochChanged,
    FeatureRow,
    SeriesKey,
    Store,
    block_of,
)
from tickcast_server.turn import Stage, Turn

# Seconds. A group, a save, a look at the events costs as much as some bars do, in processor time
# and in writes to the disk, so that a steady stream of single bars goes in few of each.
_GROUPS_APART = 0.004
_SAVES_APART = 0.02
_OWN_EVENTS_APART = 0.01

Waiting = Callable[[], AbstractContextManager[None]]
"""Entered while a call waits for the store."""

Place = tuple[SeriesKey, int | None]
"""A bar of a series, by its sequence; the last one when None."""


class Listener(Protocol):
    """Told what changed in memory. Must not wait."""

    def bars_changed(self, keys: Collection[SeriesKey]) -> None:
        """New bars of these series are readable."""

    def epoch_changed(self) -> None:
        """The store was replaced: every sequence began again."""

    def store_reachable(self, reachable: bool) -> None:
        """The store was lost, or is back."""


class Memory:
    """Bars and features of every series, as far as this process has seen them."""

    def __init__(
        self,
        store: Store,
        *,
        active_feature_sets: Callable[[str], Collection[FeatureSet]],
        bars_held: int,
        retry_delay: float,
    ) -> None:
        self._store = store
        self._active_feature_sets = active_feature_sets
        self._bars_held = bars_held
        self._retry_delay = retry_delay
        self._series: dict[SeriesKey, Series] = {}
        self._timeframes: dict[str, set[str]] = {}
        self._readiness = Readiness(self._series)
        self._sections = CrossSections(
            Peers(
                self._series,
                kept_row=self._kept_row,
                bars_until=self._bars_until,
                bars_between=store.bars_between,
            ),
            self._own_features,
        )
        self._listeners: list[Listener] = [self._sections]
        self._commits = GroupCommit(self._append_group, self._spawn, apart=_GROUPS_APART)
        self._saving = FeatureSaving(store, self._spawn, apart=_SAVES_APART)
        self._waiting_events: dict[SeriesKey, list[BarStored]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._log = structlog.get_logger("tickcast.store")
        self.epoch = ""
        self.stale = False

    def add_listener(self, listener: Listener) -> None:
        """Has `listener` told of every change from now on."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Reads which series there are, and follows the store from here on.

        Raises `StoreUnavailable` when the store cannot be reached at the start.
        """
        self.epoch = await self._store.open_epoch()
        for listener in self._listeners:
            listener.store_reachable(True)
        caught_up = asyncio.Event()
        self._spawn(self._follow(caught_up))
        await caught_up.wait()

    async def stop(self) -> None:
        """Ends following, and waits for what is still being written."""
        # A cancellation that arrives while redis-py connects can come out as a lost connection.
        self._stopping = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def known(self, timeframe: str = "") -> list[SeriesKey]:
        """Series that hold bars, of one timeframe or of any, in order."""
        return sorted(
            key
            for key, series in self._series.items()
            if series.last_sequence and timeframe in ("", key.timeframe)
        )

    def last_sequence(self, key: SeriesKey) -> int:
        """Sequence of the last bar; 0 for a series without bars."""
        series = self._series.get(key)
        return series.last_sequence if series else 0

    def cached_features(self, key: SeriesKey, feature_set: str) -> FeatureRow | None:
        """The features at the last bar, when they are here: the path that waits for nothing.

        There are none of a set that ranks: they change as the bars of other symbols arrive.
        """
        series = self._series.get(key)
        return series.row(feature_set) if series else None

    async def features(
        self,
        key: SeriesKey,
        feature_set: FeatureSet,
        *,
        sequence: int | None = None,
        turn: Turn | None = None,
    ) -> tuple[FeatureRow, bool]:
        """The features at the last bar or at `sequence`, and whether they were held already.

        Raises `SymbolNotFound`, `TimeframeNotFound`, `NotEnoughBars`, `PositionExpired`, and
        `StoreUnavailable` when what is needed is not here and the store is away; `ServerOverloaded`
        in place of a wait; `NobodyWaits`, before features are computed. Of a set that ranks, also
        `InvalidRequest` for a symbol outside its universe, and `CrossSectionIncomplete`.
        """
        turn = turn or Turn()
        read = self._sections.features if feature_set.ranks else self._own_features
        return await read(key, feature_set, sequence=sequence, turn=turn)

    async def features_of_many(
        self, places: Sequence[Place], feature_set: FeatureSet, turn: Turn
    ) -> list[tuple[FeatureRow, bool] | TickcastError]:
        """What `features` says of each place, in order; bars in memory are computed together.

        Raises `NobodyWaits`.
        """
        held = [self._row_at(key, sequence, feature_set.id) for key, sequence in places]
        missing = [place for place, row in zip(places, held, strict=True) if row is None]
        computed = await self._compute_together(missing, feature_set, turn) if missing else {}
        found: list[tuple[FeatureRow, bool] | TickcastError] = []
        for place, row in zip(places, held, strict=True):
            if row is not None:
                found.append((row, True))
                continue
            key, sequence = place
            if not feature_set.ranks and (fresh := computed.get(place)) is not None:
                found.append((fresh, False))
                continue
            try:
                found.append(await self.features(key, feature_set, sequence=sequence, turn=turn))
            except TickcastError as error:
                found.append(error)
        return found

    def _row_at(self, key: SeriesKey, sequence: int | None, feature_set: str) -> FeatureRow | None:
        row = self.cached_features(key, feature_set)
        return row if row is not None and sequence in (None, row.sequence) else None

    async def _compute_together(
        self, places: Sequence[Place], feature_set: FeatureSet, turn: Turn
    ) -> Mapping[Place, FeatureRow]:
        own = feature_set.own
        windows = {
            place: window
            for place in places
            if (series := self._series.get(place[0])) is not None
            and (window := series.window(place[1], own, newest_only=bool(feature_set.ranks)))
        }
        turn.check()
        rows = await compute_many(own, list(windows.values()))
        fresh = []
        for (key, _), row in zip(windows, rows, strict=True):
            series = self._series[key]
            if row.sequence == series.last_sequence:
                series.features[own.id] = row
                fresh.append((key, row))
        if fresh:
            self._keep(own.id, fresh)
        return dict(zip(windows, rows, strict=True))

    def section_ready(self, key: SeriesKey, feature_set: FeatureSet, sequence: int) -> bool:
        """Whether the features at a bar need not wait for the same bar of other symbols."""
        return not feature_set.ranks or self._readiness.ready(key, feature_set, sequence)

    async def _own_features(
        self, key: SeriesKey, feature_set: FeatureSet, *, sequence: int | None, turn: Turn
    ) -> tuple[FeatureRow, bool]:
        turn.end(Stage.FEATURES)
        series = self._required(key)
        newest = sequence is None or sequence == series.last_sequence
        if newest:
            row = series.row(feature_set.id)
            row = row or await self._kept_row(series, feature_set.id, turn.waiting)
            turn.end(Stage.STORE)
            if row is not None:
                return row, True
        at = series.last_sequence if sequence is None else sequence
        block = await self._bars_until(series, at, feature_set.window, turn.waiting)
        turn.end(Stage.STORE)
        turn.check()
        row = _row_of(key, feature_set, block)
        if row.sequence == series.last_sequence:
            series.features[feature_set.id] = row
            self._keep(feature_set.id, [(key, row)])
        return row, False

    async def hear_of(self, key: SeriesKey, sequence: int) -> None:
        """Asks the store whether another process has stored bars up to `sequence` by now.

        Waits for nothing when this process knows of them. Raises `StoreUnavailable`.
        """
        if sequence > self.last_sequence(key):
            (end,) = await self._store.ends([key])
            if end is not None and self._catch_up(key, end.last_sequence):
                self._notify([key])

    def newest_bar(self, key: SeriesKey, sequence: int) -> BarRow | None:
        """The last bar, when it is the one of `sequence` and here: waits for nothing."""
        series = self._series.get(key)
        if series is None or series.last_sequence != sequence:
            return None
        return series.newest()

    async def bars_after(self, key: SeriesKey, sequence: int, limit: int) -> BarBlock:
        """Up to `limit` bars that follow `sequence`.

        Raises `PositionExpired` when the next one is no longer retained.
        """
        series = self._required(key)
        until = min(sequence + limit, series.last_sequence)
        if until <= sequence:
            return block_of(sequence + 1, [])
        block = (await self._bars_until(series, until, until - sequence)).after(sequence)
        if not len(block) or block.first_sequence > sequence + 1:
            raise PositionExpired(
                key.symbol, key.timeframe, sequence=sequence, oldest=block.first_sequence - 1
            )
        return block

    async def append(self, batches: Sequence[Batch]) -> list[list[AppendResult]]:
        """Stores bars, then takes them in here and computes what models need of them.

        Returns once the bars are stored. Raises `StoreUnavailable`; bars may then be stored or
        not, and sending them again settles it.
        """
        return await self._commits.append(batches)

    async def _append_group(self, batches: Sequence[Batch]) -> list[list[AppendResult]]:
        keys = sorted({key for key, _ in batches})
        changed: list[SeriesKey] = []
        try:
            async with self._locked(keys):
                results = await self._append(batches)
                changed += [
                    key
                    for (key, rows), outcome in zip(batches, results, strict=True)
                    if self._absorb(key, rows, outcome)
                ]
                # Several requests of a group may have brought bars of one series.
                await self._refresh(dict.fromkeys(changed))
        finally:
            self._notify(dict.fromkeys([*changed, *self._observe_waiting(keys)]))
        return results

    @asynccontextmanager
    async def _locked(self, keys: Sequence[SeriesKey]) -> AsyncIterator[None]:
        """Holds the lock of each series: of keys in order, lest two wait for each other."""
        held: list[asyncio.Lock] = []
        try:
            for key in keys:
                lock = self._series_of(key).lock
                await lock.acquire()
                held.append(lock)
            yield
        finally:
            for lock in held:
                lock.release()

    async def _append(self, batches: Sequence[Batch]) -> list[list[AppendResult]]:
        try:
            return await self._store.append(self.epoch, batches)
        except EpochChanged as change:
            self._adopt(change.epoch)
            return await self._store.append(self.epoch, batches)

    def _absorb(
        self, key: SeriesKey, rows: Sequence[BarRow], outcome: Sequence[AppendResult]
    ) -> bool:
        stored = [
            (result.sequence, row)
            for row, result in zip(rows, outcome, strict=True)
            if result.status is AppendStatus.STORED
        ]
        if not stored:
            # Of bars that another process stored just before, the event may be on its way.
            return self._catch_up(key, max((result.sequence for result in outcome), default=0))
        self._timeframes.setdefault(key.symbol, set()).add(key.timeframe)
        block = block_of(stored[0][0], [row for _, row in stored])
        # The store's event may have come first; what models need is computed here all the same.
        self._series_of(key).extend(block, self._bars_held)
        return True

    async def _refresh(self, keys: Iterable[SeriesKey]) -> None:
        by_timeframe: dict[str, list[Series]] = {}
        for key in keys:
            by_timeframe.setdefault(key.timeframe, []).append(self._series_of(key))
        for timeframe, group in by_timeframe.items():
            # Ranks wait for their peers; what they are ranks of does not.
            own = {item.own.id: item.own for item in self._active_feature_sets(timeframe)}
            for feature_set in own.values():
                await self._refresh_group(feature_set, group)

    async def _refresh_group(self, feature_set: FeatureSet, group: Sequence[Series]) -> None:
        try:
            blocks = [
                await self._bars_until(series, series.last_sequence, feature_set.window)
                for series in group
            ]
        except StoreUnavailable as error:
            # The bars are stored. What could not be computed now is computed when it is asked for.
            self._log.warning(
                "features were not computed as bars arrived",
                cause=str(error),
                action="none needed: they are computed at the next request",
            )
            return
        ready = [
            (series, block)
            for series, block in zip(group, blocks, strict=True)
            if len(block) >= feature_set.minimum_bars
        ]
        if not ready:
            return
        recent = [block for _, block in ready]
        rows = await compute_many(feature_set, recent)
        for (series, _), row in zip(ready, rows, strict=True):
            series.features[feature_set.id] = row
        self._keep(
            feature_set.id,
            [(series.key, row) for (series, _), row in zip(ready, rows, strict=True)],
        )

    async def _kept_row(
        self, series: Series, feature_set: str, waiting: Waiting
    ) -> FeatureRow | None:
        if series.bars is not None:
            return None
        with waiting():
            row, last_sequence = await self._store.load_features(series.key, feature_set)
        if row is None or row.sequence != last_sequence or last_sequence != series.last_sequence:
            return None
        series.features[feature_set] = row
        return row

    async def _bars_until(
        self, series: Series, sequence: int, count: int, waiting: Waiting = nullcontext
    ) -> BarBlock:
        block = series.bars
        if block is None and sequence == series.last_sequence:
            with waiting():
                block = await self._store.last_bars(series.key, self._bars_held)
            if block.last_sequence >= series.last_sequence:
                # Bars that this process has not been told of yet are left to their event.
                series.bars = block.until(series.last_sequence)
        if block is not None:
            held = block.window(sequence, count)
            if held is not None:
                return held
        with waiting():
            return await self._store.bars_until(series.key, sequence, count)

    def _keep(self, feature_set: str, rows: Sequence[tuple[SeriesKey, FeatureRow]]) -> None:
        if not self.stale:
            self._saving.keep(feature_set, rows)

    async def _follow(self, caught_up: asyncio.Event) -> None:
        while not self._stopping:
            try:
                await self._follow_events(caught_up)
            except StoreUnavailable as error:
                self._set_stale(True, str(error))
            except Exception:  # noqa: BLE001  # following must outlive whatever it sees
                self._set_stale(True, "a fault while following the store")
                self._log.exception(
                    "following the store failed; it begins again",
                    action="report this with the trace",
                )
            await asyncio.sleep(self._retry_delay)

    async def _follow_events(self, caught_up: asyncio.Event) -> None:
        arrived: list[BarStored] = []
        synchronised = False
        async for event in self._store.events():
            if event is not None:
                arrived.append(event)
                continue
            if self._stopping:
                return
            changed: list[SeriesKey] = []
            if not synchronised:
                changed = await self._synchronise()
                synchronised = True
                self._set_stale(False)
                caught_up.set()
            observed = self._observe(arrived)
            self._notify([*changed, *observed])
            if arrived and not observed:
                # All of them this process has stored itself: there is no hurry for the next ones.
                await asyncio.sleep(_OWN_EVENTS_APART)
            arrived.clear()

    def _observe(self, events: Sequence[BarStored]) -> list[SeriesKey]:
        by_key: dict[SeriesKey, list[BarStored]] = {}
        for event in events:
            if event.epoch != self.epoch:
                self._adopt(event.epoch)
                by_key.clear()
            by_key.setdefault(event.key, []).append(event)
        return [key for key, group in by_key.items() if self._observe_unless_appended(key, group)]

    def _observe_unless_appended(self, key: SeriesKey, events: Sequence[BarStored]) -> bool:
        if self._series_of(key).lock.locked():
            # An append under way here knows of them before this: it takes in the bars of its
            # request together, and computes their features together, before anybody is told.
            self._waiting_events.setdefault(key, []).extend(events)
            return False
        return self._observe_series(key, events)

    def _observe_waiting(self, keys: Iterable[SeriesKey]) -> list[SeriesKey]:
        """Takes in what was stored beside an append: by others, or by itself without an answer."""
        changed = []
        for key in keys:
            events = self._waiting_events.pop(key, [])
            current = [event for event in events if event.epoch == self.epoch]
            if current and self._observe_series(key, current):
                changed.append(key)
        return changed

    def _observe_series(self, key: SeriesKey, events: Sequence[BarStored]) -> bool:
        self._timeframes.setdefault(key.symbol, set()).add(key.timeframe)
        if events[-1].sequence <= self._series_of(key).last_sequence:
            return False
        block = block_of(events[0].sequence, [event.bar for event in events])
        return self._series_of(key).extend(block, self._bars_held)

    async def _synchronise(self) -> list[SeriesKey]:
        epoch = await self._store.open_epoch()
        keys = await self._store.series()
        ends = await self._store.ends(keys)
        last = {
            key: end.last_sequence for key, end in zip(keys, ends, strict=True) if end is not None
        }
        if epoch == self.epoch and any(
            series.last_sequence > last.get(key, 0) for key, series in self._series.items()
        ):
            # Numbers that were given out would be given out again for other bars.
            self._log.error(
                "the store has lost bars that it had acknowledged",
                action="check its persistence settings; send the missing bars again",
            )
            epoch = await self._store.renew_epoch(epoch)
        if epoch != self.epoch:
            self._adopt(epoch)
        return [key for key, sequence in last.items() if self._catch_up(key, sequence)]

    def _catch_up(self, key: SeriesKey, sequence: int) -> bool:
        self._timeframes.setdefault(key.symbol, set()).add(key.timeframe)
        series = self._series_of(key)
        if sequence <= series.last_sequence:
            return False
        series.last_sequence = sequence
        series.bars = None
        return True

    def _adopt(self, epoch: str) -> None:
        self._log.warning("the store was replaced", epoch=epoch, was=self.epoch)
        self.epoch = epoch
        self._timeframes.clear()
        self._saving.forget()
        for series in self._series.values():
            # The objects stay: an append may hold the lock of one.
            series.last_sequence = 0
            series.bars = None
            series.features.clear()
        for listener in self._listeners:
            listener.epoch_changed()

    def _set_stale(self, stale: bool, cause: str = "") -> None:
        if stale == self.stale or self._stopping:
            return
        self.stale = stale
        if stale:
            self._log.error(
                "the store cannot be reached; predictions go on from memory, bars are refused",
                cause=cause,
                action="check that the store runs and that TICKCAST_REDIS_URL is right",
            )
        else:
            self._log.info("the store is back")
        for listener in self._listeners:
            listener.store_reachable(not stale)

    def _notify(self, keys: Collection[SeriesKey]) -> None:
        if keys:
            for listener in self._listeners:
                listener.bars_changed(keys)

    def _series_of(self, key: SeriesKey) -> Series:
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series(key)
        return series

    def _required(self, key: SeriesKey) -> Series:
        series = self._series.get(key)
        if series is not None and series.last_sequence:
            return series
        if self.stale:
            raise StoreUnavailable(f"bars of {key.symbol!r} are not in this process's memory")
        held = self._timeframes.get(key.symbol)
        if not held:
            raise SymbolNotFound(key.symbol)
        raise TimeframeNotFound(key.symbol, key.timeframe, sorted(held))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _row_of(key: SeriesKey, feature_set: FeatureSet, block: BarBlock) -> FeatureRow:
    try:
        return compute_row(feature_set, block)
    except TooFewBars as error:
        raise NotEnoughBars(
            key.symbol, key.timeframe, held=error.held, needed=error.needed
        ) from error
