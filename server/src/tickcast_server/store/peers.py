"""The rows of many symbols as of one time: what a symbol is ranked among."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum, auto
from typing import Protocol

import numpy as np
from tickcast_modelkit.features import FeatureSet
from tickcast_modelkit.timeframe import Timeframe

from tickcast_server.store.feature_rows import compute_many
from tickcast_server.store.series import Series
from tickcast_server.store.store import BarBlock, FeatureRow, SeriesKey
from tickcast_server.turn import Stage, Turn

# Series that are read from the store at a time: as many as it has connections for, at the most.
_AT_ONCE = 16

_FAR = 2**40
_Waiting = Callable[[], AbstractContextManager[None]]


class Absence(Enum):
    """Why a symbol has no row."""

    MISSING = auto()
    """No bar closed at the time, or none is held yet."""

    TOO_YOUNG = auto()
    """Its bars reach the time, and too few had closed by then."""


class KeptRow(Protocol):
    """Reads a row that another process or an earlier one kept in the store."""

    def __call__(
        self, series: Series, feature_set: str, waiting: _Waiting
    ) -> Awaitable[FeatureRow | None]: ...


class BarsUntil(Protocol):
    """Reads the last `count` bars up to `sequence`, from memory or else from the store."""

    def __call__(self, series: Series, sequence: int, count: int) -> Awaitable[BarBlock]: ...


class BarsBetween(Protocol):
    """Reads the first `limit` bars that open from `start` to before `end`, from the store."""

    def __call__(self, key: SeriesKey, start: int, end: int, limit: int) -> Awaitable[BarBlock]: ...


class Peers:
    """Looks rows up in this process's memory, then in the store. Used by one event loop."""

    def __init__(
        self,
        series: Mapping[SeriesKey, Series],
        *,
        kept_row: KeptRow,
        bars_until: BarsUntil,
        bars_between: BarsBetween,
    ) -> None:
        self._series = series
        self._kept_row = kept_row
        self._bars_until = bars_until
        self._bars_between = bars_between

    async def at(
        self, keys: Iterable[SeriesKey], feature_set: FeatureSet, time: int, turn: Turn
    ) -> dict[str, FeatureRow | Absence]:
        """What each symbol has as of a time, by symbol, of a set that ranks nothing.

        Raises `StoreUnavailable` when bars are not here and the store is away, `ServerOverloaded`
        in place of a wait, `NobodyWaits` before features are computed.
        """
        found: dict[str, FeatureRow | Absence] = {}
        blocks: dict[SeriesKey, BarBlock] = {}
        unread: list[Series] = []
        for key in keys:
            series = self._series.get(key)
            if series is None or not series.last_sequence:
                found[key.symbol] = Absence.MISSING
                continue
            held = _at_hand(series, feature_set, time)
            if held is None:
                unread.append(series)
            elif isinstance(held, BarBlock):
                blocks[key] = held
            else:
                found[key.symbol] = held
        if unread:
            turn.end(Stage.FEATURES)
            with turn.waiting():
                await self._read(unread, feature_set, time, found, blocks)
            turn.end(Stage.STORE)
        turn.check()
        await self._compute(feature_set, blocks, found)
        return found

    async def _read(
        self,
        unread: Sequence[Series],
        feature_set: FeatureSet,
        time: int,
        found: dict[str, FeatureRow | Absence],
        blocks: dict[SeriesKey, BarBlock],
    ) -> None:
        for start in range(0, len(unread), _AT_ONCE):
            group = unread[start : start + _AT_ONCE]
            read = await asyncio.gather(
                *[self._from_store(series, feature_set, time) for series in group]
            )
            for series, held in zip(group, read, strict=True):
                if isinstance(held, BarBlock):
                    blocks[series.key] = held
                else:
                    found[series.key.symbol] = held

    async def _from_store(
        self, series: Series, feature_set: FeatureSet, time: int
    ) -> FeatureRow | Absence | BarBlock:
        row = await self._kept_row(series, feature_set.id, nullcontext)
        if series.bars is None and (row is None or row.as_of_time > time):
            await self._bars_until(series, series.last_sequence, feature_set.window)
        held = _at_hand(series, feature_set, time)
        if held is not None:
            return held
        # Before the bars in memory. A slot of the timeframe holds one bar at the most.
        slot = Timeframe.parse(series.key.timeframe).seconds
        first = await self._bars_between(series.key, time - slot, _FAR, 1)
        if not len(first):
            return Absence.MISSING
        sequence, close = first.first_sequence, int(first.close_time[0])
        if close != time:
            return _absence(feature_set, sequence if close < time else sequence - 1)
        if sequence < feature_set.minimum_bars:
            return Absence.TOO_YOUNG
        return await self._bars_until(series, sequence, feature_set.window)

    async def _compute(
        self,
        feature_set: FeatureSet,
        blocks: Mapping[SeriesKey, BarBlock],
        found: dict[str, FeatureRow | Absence],
    ) -> None:
        ready = {
            key: block for key, block in blocks.items() if len(block) >= feature_set.minimum_bars
        }
        # Of bars that the store no longer has, nothing can be said.
        found |= {key.symbol: Absence.MISSING for key in blocks.keys() - ready.keys()}
        rows = await compute_many(feature_set, list(ready.values()))
        for key, row in zip(ready, rows, strict=True):
            found[key.symbol] = row
            series = self._series[key]
            if row.sequence == series.last_sequence:
                series.features[feature_set.id] = row


def _at_hand(
    series: Series, feature_set: FeatureSet, time: int
) -> FeatureRow | Absence | BarBlock | None:
    """A row, or why there is none; bars to compute it from; None where memory does not tell."""
    row = series.row(feature_set.id)
    if row is not None and row.as_of_time <= time:
        return row if row.as_of_time == time else Absence.MISSING
    block = series.bars
    if block is None:
        return None
    place = int(np.searchsorted(block.close_time, time))
    if place == len(block):
        return Absence.MISSING
    sequence = block.first_sequence + place
    if block.close_time[place] != time:
        reaches_back = place > 0 or block.first_sequence == 1
        return _absence(feature_set, sequence - 1) if reaches_back else None
    if sequence < feature_set.minimum_bars:
        return Absence.TOO_YOUNG
    return block.window(sequence, feature_set.window)


def _absence(feature_set: FeatureSet, closed: int) -> Absence:
    """Why a symbol has no row at a time that its bars reach, of which so many had closed."""
    return Absence.TOO_YOUNG if closed < feature_set.minimum_bars else Absence.MISSING
