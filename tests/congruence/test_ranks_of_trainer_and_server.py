"""Symbols ranked among each other: trainer and server agree at every time, bit for bit."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import Feature, FeatureSet, Rank
from tickcast_modelkit.features.momentum import relative_strength_index
from tickcast_modelkit.features.returns import log_return
from tickcast_modelkit.testing import MONDAY, random_walk_bars
from tickcast_server.errors import CrossSectionIncomplete
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.store.memory import Memory
from tickcast_server.store.redis_store import RedisStore
from tickcast_server.store.store import BarRow, SeriesKey
from tickcast_trainer.cross_section import members_of, rankable_features

DAY = 86_400
SYMBOLS = "ABCDE"
SET = FeatureSet(
    name="small",
    window=12,
    minimum_bars=6,
    features=(
        Feature("return_3", log_return, {"span": 3}),
        Feature("rsi_4", relative_strength_index, {"span": 4}),
    ),
    ranks=(Rank("rank_return_3", of="return_3"), Rank("rank_rsi_4", of="rsi_4")),
    universe=tuple(SYMBOLS),
)

Rows = dict[tuple[str, int], bytes]
"""Features by symbol and as-of time."""


@dataclass(frozen=True)
class Market:
    """Symbols of which some are young, some have ended, and some have holes."""

    series: Sequence[BarSeries]
    feature_set: FeatureSet
    order: Sequence[str]
    """Which symbol's next bar arrives when."""


@st.composite
def markets(draw: st.DrawFn) -> Market:
    series = []
    for place, symbol in enumerate(SYMBOLS[: draw(st.integers(1, 5))]):
        count = draw(st.integers(2, 45))
        start = draw(st.integers(0, 15)) if place else 0
        bars = random_walk_bars(count, symbol=symbol, seed=place, start=MONDAY + start * DAY)
        kept = np.ones(count, dtype=np.bool_)
        kept[draw(st.lists(st.integers(1, count - 1), max_size=2))] = False
        series.append(
            BarSeries.checked(
                symbol=symbol,
                timeframe=bars.timeframe,
                open_time=bars.open_time[kept],
                ohlcv=bars.ohlcv[kept],
            )
        )
    order = [one.symbol for one in series for _ in range(len(one))]
    if draw(st.booleans()):
        order = draw(st.permutations(order))
    share = draw(st.sampled_from([0.2, 0.5, 0.8, 1.0]))
    return Market(series, replace(SET, minimum_share=share), order)


def trained(feature_set: FeatureSet, series: Sequence[BarSeries]) -> Rows:
    """The trainer's path: all times at once."""
    found = rankable_features(feature_set, members_of(feature_set, series), lambda _: None)
    return {
        (one.symbol, int(one.close_time[bar])): row.tobytes()
        for one, bars, features in found
        for bar, row in zip(bars, features, strict=True)
    }


def rows_of(series: BarSeries) -> list[BarRow]:
    return [
        BarRow(int(opened), int(closed), *values.tolist())
        for opened, closed, values in zip(
            series.open_time, series.close_time, series.ohlcv, strict=True
        )
    ]


def key_of(symbol: str) -> SeriesKey:
    return SeriesKey(symbol, "1d")


async def served(memory: Memory, feature_set: FeatureSet, series: Sequence[BarSeries]) -> Rows:
    """The server's path: one symbol and one time after the other."""
    found: Rows = {}
    for one in series:
        for sequence in range(feature_set.minimum_bars, len(one) + 1):
            try:
                row, _ = await memory.features(key_of(one.symbol), feature_set, sequence=sequence)
            except CrossSectionIncomplete:
                continue
            assert row.sequence == sequence
            found[one.symbol, row.as_of_time] = row.values.tobytes()
    return found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = EmbeddedValkey(tmp_path_factory.mktemp("valkey"), fsync="no").start()
    yield store.url
    store.stop()


@asynccontextmanager
async def memory_of(url: str, prefix: str, feature_set: FeatureSet) -> AsyncIterator[Memory]:
    """What one server process holds: a few bars more than a window, the rest in the store."""
    async with RedisStore(
        url, prefix=prefix, retained_bars=1000, retained_events=1000, timeout=5.0, poll=0.05
    ) as store:
        memory = Memory(
            store,
            active_feature_sets=lambda _: [feature_set],
            bars_held=feature_set.window + 4,
            retry_delay=0.1,
        )
        await memory.start()
        try:
            yield memory
        finally:
            await memory.stop()


async def feed(memory: Memory, market: Market) -> None:
    waiting = {one.symbol: iter(rows_of(one)) for one in market.series}
    for symbol in market.order:
        await memory.append([(key_of(symbol), [next(waiting[symbol])])])


@settings(max_examples=25, deadline=None)
@given(market=markets(), restarted=st.booleans())
def test_every_row_is_the_trainers_whatever_arrived_when(
    url: str, market: Market, restarted: bool
) -> None:
    async def run() -> Rows:
        prefix = secrets.token_hex(4)
        async with memory_of(url, prefix, market.feature_set) as memory:
            await feed(memory, market)
            if not restarted:
                return await served(memory, market.feature_set, market.series)
        async with memory_of(url, prefix, market.feature_set) as memory:
            return await served(memory, market.feature_set, market.series)

    assert asyncio.run(run()) == trained(market.feature_set, market.series)


@settings(max_examples=15, deadline=None)
@given(market=markets())
def test_the_last_bars_are_ranked_as_if_training_ended_with_them(url: str, market: Market) -> None:
    async def run() -> None:
        prefix = secrets.token_hex(4)
        held = dict.fromkeys(SYMBOLS, 0)
        async with memory_of(url, prefix, market.feature_set) as memory:
            for time in np.unique(np.concatenate([one.close_time for one in market.series])):
                past = [one.closed_by(int(time)) for one in market.series]
                new = [one for one in past if len(one) > held[one.symbol]]
                await memory.append(
                    [(key_of(one.symbol), rows_of(one)[held[one.symbol] :]) for one in new]
                )
                held |= {one.symbol: len(one) for one in new}
                old = [one for one in past if len(one) >= market.feature_set.minimum_bars]
                expected = trained(market.feature_set, past)
                for one in old:
                    known = one.symbol, int(one.close_time[-1])
                    try:
                        row, _ = await memory.features(key_of(one.symbol), market.feature_set)
                    except CrossSectionIncomplete:
                        assert known not in expected
                    else:
                        assert row.values.tobytes() == expected[known]

    asyncio.run(run())


async def test_peers_that_arrive_later_change_the_ranks_and_nothing_old_is_given(url: str) -> None:
    series = [random_walk_bars(20, symbol=symbol, seed=ord(symbol)) for symbol in SYMBOLS]
    loose = replace(SET, minimum_share=0.4)
    async with memory_of(url, secrets.token_hex(4), loose) as memory:
        for one in series:
            await memory.append([(key_of(one.symbol), rows_of(one)[:-1])])
        for held, one in enumerate(series, start=1):
            await memory.append([(key_of(one.symbol), rows_of(one)[-1:])])
            part = [*series[:held], *[other.slice(0, 19) for other in series[held:]]]
            expected = trained(loose, part)
            for asked in series[:held]:
                known = asked.symbol, int(asked.close_time[-1])
                if held == 1:
                    with pytest.raises(CrossSectionIncomplete) as caught:
                        await memory.features(key_of(asked.symbol), loose)
                    assert caught.value.metadata == {
                        "symbol": "A",
                        "timeframe": "1d",
                        "asOfTime": "2024-01-21T00:00:00Z",
                        "present": "1",
                        "needed": "2",
                    }
                    continue
                row, _ = await memory.features(key_of(asked.symbol), loose)
                assert row.values.tobytes() == expected[known]


async def test_what_one_symbol_tells_is_computed_once_for_sets_that_rank_and_that_do_not(
    url: str,
) -> None:
    series = [random_walk_bars(20, symbol=symbol, seed=ord(symbol)) for symbol in SYMBOLS]
    async with memory_of(url, secrets.token_hex(4), SET) as memory:
        await memory.append([(key_of(one.symbol), rows_of(one)) for one in series])
        own = memory.cached_features(key_of("A"), SET.own.id)
        assert own is not None
        row, cached = await memory.features(key_of("A"), SET)
        assert cached
        assert row.values[:2].tobytes() == own.values.tobytes()
        # Nothing is kept that could outlive the arrival of a peer.
        assert memory.cached_features(key_of("A"), SET.id) is None


async def test_a_section_is_ready_when_nobody_is_late_who_was_there_before(url: str) -> None:
    series = [random_walk_bars(20, symbol=symbol, seed=ord(symbol)) for symbol in SYMBOLS]
    *others, halted = series
    async with memory_of(url, secrets.token_hex(4), SET) as memory:
        await memory.append([(key_of(one.symbol), rows_of(one)[:17]) for one in others])
        await memory.append([(key_of(halted.symbol), rows_of(halted)[:15])])

        def ready(symbol: str, sequence: int) -> bool:
            return memory.section_ready(key_of(symbol), SET, sequence)

        # At the sixteenth E was late, at the seventeenth nobody waits for it any more.
        assert not ready("A", 16)
        assert ready("A", 17)
        for place, one in enumerate(others):
            await memory.append([(key_of(one.symbol), rows_of(one)[17:18])])
            assert ready("A", 18) == (place == len(others) - 1)
        assert memory.section_ready(key_of("A"), SET.own, 18)
        assert ready("F", 1)
