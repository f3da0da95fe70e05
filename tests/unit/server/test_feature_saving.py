"""Feature rows reach the store together, the last of each series alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tickcast_server.errors import StoreUnavailable
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.store.feature_saving import FeatureSaving
from tickcast_server.store.redis_store import RedisStore
from tickcast_server.store.store import FeatureRow, SeriesKey
from tickcast_server.testing import eventually

SETS = ("core.1", "own.1")
KEYS = [SeriesKey(f"S{number}", "1d") for number in range(3)]


def row(sequence: int) -> FeatureRow:
    return FeatureRow(
        sequence=sequence,
        as_of_time=86_400 * sequence,
        last_close=100.0,
        bars_used=64,
        values=np.array([0.25, -1.5], dtype=np.float32),
    )


class Counted(RedisStore):
    """Counts writes, and fails as many as it is told to."""

    writes = 0
    failures = 0

    async def save_features(self, feature_set: str, rows: Any) -> None:
        try:
            if self.writes < self.failures:
                raise StoreUnavailable("a test")
            await super().save_features(feature_set, rows)
        finally:
            self.writes += 1


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    folder: Path = tmp_path_factory.mktemp("valkey")
    store = EmbeddedValkey(folder, fsync="always").start()
    yield store
    store.stop()


@asynccontextmanager
async def saving(
    valkey: EmbeddedValkey, prefix: str
) -> AsyncIterator[tuple[FeatureSaving, Counted]]:
    store = Counted(
        valkey.url, prefix=prefix, retained_bars=10, retained_events=10, timeout=5.0, poll=0.1
    )
    tasks = set()

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        tasks.add(asyncio.create_task(work))

    async with store:
        yield FeatureSaving(store, spawn, apart=0.01), store


async def saved(store: RedisStore, key: SeriesKey, feature_set: str) -> int:
    """Sequence of the row that the store has; 0 without one."""
    found, _ = await store.load_features(key, feature_set)
    return found.sequence if found else 0


async def test_rows_of_many_calls_are_one_write_of_each_set_with_the_last_of_each_series(
    valkey: EmbeddedValkey,
) -> None:
    async with saving(valkey, "together") as (rows, store):
        for sequence in range(1, 6):
            for feature_set in SETS:
                rows.keep(feature_set, [(key, row(sequence)) for key in KEYS])
        await eventually(lambda: store.writes == len(SETS))
        for feature_set in SETS:
            assert [await saved(store, key, feature_set) for key in KEYS] == [5, 5, 5]


async def test_what_is_forgotten_is_not_saved(valkey: EmbeddedValkey) -> None:
    async with saving(valkey, "forgotten") as (rows, store):
        rows.keep("core.1", [(KEYS[0], row(1))])
        rows.forget()
        rows.keep("core.1", [(KEYS[1], row(1))])
        await eventually(lambda: store.writes == 1)
        assert [await saved(store, key, "core.1") for key in KEYS] == [0, 1, 0]


async def test_saving_outlives_a_store_that_is_away(valkey: EmbeddedValkey) -> None:
    async with saving(valkey, "away") as (rows, store):
        store.failures = 1
        rows.keep("core.1", [(KEYS[0], row(1))])
        await eventually(lambda: store.writes == 1)
        rows.keep("core.1", [(KEYS[0], row(2))])
        await eventually(lambda: store.writes == 2)
        assert await saved(store, KEYS[0], "core.1") == 2
