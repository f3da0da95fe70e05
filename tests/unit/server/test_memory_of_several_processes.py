"""Memory beside another process on the same store, before it was told what that one did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.store.memory import Memory
from tickcast_server.store.redis_store import RedisStore
from tickcast_server.store.store import AppendStatus, BarRow, BarStored, SeriesKey

KEY = SeriesKey("AAPL", "1d")
SERIES = random_walk_bars(5, symbol=KEY.symbol)
BARS = [
    BarRow(
        int(SERIES.open_time[index]),
        int(SERIES.close_time[index]),
        *SERIES.ohlcv[index].tolist(),
    )
    for index in range(len(SERIES))
]


class SlowToHear(RedisStore):
    """Events are still on their way, however long one waits."""

    async def events(self) -> AsyncIterator[BarStored | None]:
        yield None
        await asyncio.Event().wait()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    store = EmbeddedValkey(tmp_path / "valkey", fsync="always").start()
    yield store
    store.stop()


@asynccontextmanager
async def process(valkey: EmbeddedValkey) -> AsyncIterator[Memory]:
    """The memory of one."""
    store = SlowToHear(
        valkey.url,
        prefix="tickcast",
        retained_bars=2_048,
        retained_events=1_000,
        timeout=5.0,
        poll=0.1,
    )
    memory = Memory(
        store, active_feature_sets=lambda _timeframe: (), bars_held=300, retry_delay=0.1
    )
    async with store:
        await memory.start()
        yield memory
        await memory.stop()


async def test_a_position_that_another_process_gave_out_is_looked_up(
    valkey: EmbeddedValkey,
) -> None:
    async with process(valkey) as first, process(valkey) as second:
        await first.append([(KEY, BARS)])
        assert second.last_sequence(KEY) == 0
        await second.hear_of(KEY, 5)
        assert second.last_sequence(KEY) == 5
        assert len(await second.bars_after(KEY, 2, 10)) == 3


async def test_a_position_that_nobody_has_reached_stays_ahead(valkey: EmbeddedValkey) -> None:
    async with process(valkey) as first, process(valkey) as second:
        await first.append([(KEY, BARS)])
        await second.hear_of(KEY, 7)
        assert second.last_sequence(KEY) == 5


async def test_an_acknowledgement_of_a_bar_stored_elsewhere_is_followed_by_that_bar(
    valkey: EmbeddedValkey,
) -> None:
    async with process(valkey) as first, process(valkey) as second:
        await first.append([(KEY, BARS)])
        ((*_, last),) = await second.append([(KEY, BARS)])
        assert last.status is AppendStatus.DUPLICATE
        assert second.last_sequence(KEY) == 5
