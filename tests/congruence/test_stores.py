"""The embedded Valkey and Debian's redis-server are one store: the same tests hold for both."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.errors import StoreUnavailable
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.store.redis_store import RedisStore
from tickcast_server.store.store import (
    AppendStatus,
    BarRow,
    BarStored,
    EpochChanged,
    FeatureRow,
    SeriesKey,
)

KEY = SeriesKey("BTC/USDT", "1d")
OTHER = SeriesKey("AAPL", "1h")


def rows_of(count: int, seed: int = 0) -> list[BarRow]:
    series = random_walk_bars(count, seed=seed)
    return [
        BarRow(int(opened), int(closed), *values.tolist())
        for opened, closed, values in zip(
            series.open_time, series.close_time, series.ohlcv, strict=True
        )
    ]


ROWS = rows_of(30)


@pytest.fixture(params=["valkey", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "valkey":
        store = EmbeddedValkey(tmp_path / "valkey", fsync="always").start()
        yield store.url
        store.stop()
        return
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    yield from debian_redis(program, tmp_path)


def debian_redis(program: str, folder: Path) -> Iterator[str]:
    address = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(address), "--dir", str(folder), "--save", ""]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        client = Redis(unix_socket_path=str(address))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                client.ping()
                break
            except RedisConnectionError:
                time.sleep(0.02)
        client.close()
        yield f"unix://{address}"
        process.terminate()


@pytest.fixture
async def store(url: str) -> AsyncIterator[RedisStore]:
    async with open_store(url) as opened:
        yield opened


def open_store(url: str, *, retained_bars: int = 1_000) -> RedisStore:
    return RedisStore(
        url,
        prefix="test",
        retained_bars=retained_bars,
        retained_events=1_000,
        timeout=2.0,
        poll=0.2,
    )


async def test_bars_come_back_with_sequences_without_a_hole(store: RedisStore) -> None:
    epoch = await store.open_epoch()
    first, second = await store.append(epoch, [(KEY, ROWS[:20]), (OTHER, ROWS[:5])])
    (third,) = await store.append(epoch, [(KEY, ROWS[20:])])
    assert [result.sequence for result in first + third] == list(range(1, 31))
    assert [result.sequence for result in second] == list(range(1, 6))
    block = await store.last_bars(KEY, 100)
    assert [block.row(index) for index in range(len(block))] == ROWS
    assert (block.first_sequence, block.last_sequence) == (1, 30)
    assert await store.series() == [OTHER, KEY]


async def test_what_stands_in_the_way_is_shown(store: RedisStore) -> None:
    epoch = await store.open_epoch()
    gap = [*ROWS[:10], *ROWS[12:20]]
    await store.append(epoch, [(KEY, gap)])
    changed = ROWS[5]._replace(volume=1.0)
    ((same, conflict, late),) = await store.append(epoch, [(KEY, [ROWS[5], changed, ROWS[11]])])
    assert (same.status, same.sequence) == (AppendStatus.DUPLICATE, 6)
    assert (conflict.status, conflict.other) == (AppendStatus.CONFLICT, ROWS[5])
    assert (late.status, late.other) == (AppendStatus.OUT_OF_ORDER, ROWS[19])
    assert len(await store.last_bars(KEY, 100)) == len(gap)


async def test_ranges_by_sequence_and_by_time(store: RedisStore) -> None:
    epoch = await store.open_epoch()
    await store.append(epoch, [(KEY, ROWS)])
    block = await store.bars_until(KEY, 12, 5)
    assert (block.first_sequence, block.last_sequence) == (8, 12)
    block = await store.bars_between(KEY, ROWS[3].open_time, ROWS[9].open_time, 100)
    assert [block.row(index) for index in range(len(block))] == ROWS[3:9]
    assert block.first_sequence == 4
    assert len(await store.bars_between(KEY, ROWS[3].open_time, ROWS[9].open_time, 2)) == 2
    (ends, missing) = await store.ends([KEY, OTHER])
    assert missing is None
    assert ends is not None
    assert (ends.first_sequence, ends.last_sequence) == (1, 30)
    assert (ends.first, ends.last) == (ROWS[0], ROWS[-1])


async def test_only_the_last_bars_are_retained(url: str) -> None:
    async with open_store(url, retained_bars=50) as store:
        epoch = await store.open_epoch()
        rows = rows_of(500)
        await store.append(epoch, [(KEY, rows)])
        (ends,) = await store.ends([KEY])
        assert ends is not None
        assert ends.last_sequence == 500
        assert 50 <= ends.last_sequence - ends.first_sequence + 1 < 500
        ((result,),) = await store.append(epoch, [(KEY, [rows[0]])])
        assert (result.status, result.other) == (AppendStatus.BEFORE_RETENTION, ends.first)


async def test_features_are_kept_beside_the_last_sequence(store: RedisStore) -> None:
    epoch = await store.open_epoch()
    await store.append(epoch, [(KEY, ROWS)])
    assert await store.load_features(KEY, "core-1") == (None, 30)
    row = FeatureRow(
        sequence=30,
        as_of_time=5,
        last_close=1.5,
        bars_used=30,
        values=np.arange(7, dtype=np.float32),
    )
    await store.save_features("core-1", [(KEY, row)])
    found, last = await store.load_features(KEY, "core-1")
    assert last == 30
    assert found is not None
    assert found.values.tobytes() == row.values.tobytes()
    assert await store.load_features(KEY, "core-2") == (None, 30)


async def test_a_damaged_feature_row_is_no_feature_row(store: RedisStore, url: str) -> None:
    with Redis.from_url(url) as client:
        client.set("test:features:core-1:1d:BTC/USDT", b"TCF1 but not really")
    assert await store.load_features(KEY, "core-1") == (None, 0)


async def test_every_process_is_told_of_every_bar(store: RedisStore, url: str) -> None:
    epoch = await store.open_epoch()
    await store.append(epoch, [(KEY, ROWS[:3])])
    async with open_store(url) as reader:
        events = reader.events()
        assert await anext(events) is None
        await store.append(epoch, [(KEY, ROWS[3:6]), (OTHER, ROWS[:1])])
        found: list[BarStored] = []
        async with asyncio.timeout(10):
            while len(found) < 4:
                event = await anext(events)
                if event is not None:
                    found.append(event)
        assert found == [
            *(BarStored(KEY, epoch, index + 1, ROWS[index]) for index in range(3, 6)),
            BarStored(OTHER, epoch, 1, ROWS[0]),
        ]


async def test_a_store_that_was_emptied_has_another_epoch(store: RedisStore, url: str) -> None:
    epoch = await store.open_epoch()
    assert await store.open_epoch() == epoch
    await store.append(epoch, [(KEY, ROWS[:3])])
    with Redis.from_url(url) as client:
        client.flushall()
        client.script_flush()
    with pytest.raises(EpochChanged) as caught:
        await store.append(epoch, [(KEY, ROWS[3:])])
    assert caught.value.epoch != epoch
    ((result,),) = await store.append(caught.value.epoch, [(KEY, [ROWS[3]])])
    assert result.sequence == 1


async def test_an_epoch_is_renewed_once_however_many_ask(store: RedisStore) -> None:
    epoch = await store.open_epoch()
    renewed = await asyncio.gather(*(store.renew_epoch(epoch) for _ in range(5)))
    assert len(set(renewed)) == 1
    assert renewed[0] != epoch


async def test_a_store_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async with open_store(f"unix://{tmp_path / 'none.sock'}") as store:
        with pytest.raises(StoreUnavailable):
            await store.open_epoch()
        with pytest.raises(StoreUnavailable):
            await anext(store.events())
