"""Sections of a universe: looked at once, kept within bounds, never without the asked symbol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from tickcast_modelkit.features import CORE, FeatureSet, Rank
from tickcast_server.errors import CrossSectionIncomplete, InvalidRequest
from tickcast_server.store.cross_section import CrossSections
from tickcast_server.store.peers import Absence
from tickcast_server.store.store import FeatureRow, SeriesKey
from tickcast_server.turn import Turn

SYMBOLS = tuple("ABCDE")
RANKED = replace(
    CORE,
    features=CORE.features[:2],
    ranks=(Rank("rank_return_1", of="return_1"),),
    universe=SYMBOLS,
)


@dataclass
class Market:
    """Rows by symbol and sequence; the as-of time is the sequence. Its symbols may be late."""

    values: Mapping[str, float] = field(
        default_factory=lambda: {symbol: float(place) for place, symbol in enumerate(SYMBOLS)}
    )
    late: set[str] = field(default_factory=set)
    young: set[str] = field(default_factory=set)
    looks: list[list[str]] = field(default_factory=list)

    def row(self, symbol: str, sequence: int) -> FeatureRow:
        values = np.array([self.values[symbol], sequence], dtype=np.float32)
        return FeatureRow(
            sequence=sequence, as_of_time=sequence, last_close=1.0, bars_used=9, values=values
        )

    async def own(
        self, key: SeriesKey, feature_set: FeatureSet, *, sequence: int | None, turn: Turn
    ) -> tuple[FeatureRow, bool]:
        assert not feature_set.ranks
        return self.row(key.symbol, sequence or 1), True

    async def at(
        self, keys: Iterable[SeriesKey], feature_set: FeatureSet, time: int, turn: Turn
    ) -> dict[str, FeatureRow | Absence]:
        symbols = [key.symbol for key in keys]
        self.looks.append(sorted(symbols))
        await asyncio.sleep(0)
        return {symbol: self.look(symbol, time) for symbol in symbols}

    def look(self, symbol: str, time: int) -> FeatureRow | Absence:
        if symbol in self.young:
            return Absence.TOO_YOUNG
        return Absence.MISSING if symbol in self.late else self.row(symbol, time)


def sections(market: Market, *, most_bytes: int = 1_000_000) -> CrossSections:
    return CrossSections(market, market.own, most_bytes=most_bytes)


async def rank(
    asked: CrossSections, symbol: str, sequence: int = 1, feature_set: FeatureSet = RANKED
) -> float:
    key = SeriesKey(symbol, "1d")
    row, _ = await asked.features(key, feature_set, sequence=sequence, turn=Turn())
    assert row.sequence == sequence
    assert row.values.shape == (3,)
    return float(row.values[-1])


async def test_a_section_is_looked_at_once_by_all_who_ask_for_it() -> None:
    market = Market()
    asked = sections(market)
    ranks = await asyncio.gather(*[rank(asked, symbol) for symbol in SYMBOLS])
    assert ranks == [-0.5, -0.25, 0.0, 0.25, 0.5]
    assert len(market.looks) == 1


async def test_only_who_was_missing_is_looked_for_when_bars_have_arrived() -> None:
    market = Market(late={"D", "E"})
    asked = sections(market)
    with pytest.raises(CrossSectionIncomplete, match="3 symbols of the universe of 'A' have a 1d"):
        await rank(asked, "A")
    # Nothing has arrived, so that nobody is looked for.
    with pytest.raises(CrossSectionIncomplete):
        await rank(asked, "A")
    asked.bars_changed([SeriesKey("D", "5m")])
    with pytest.raises(CrossSectionIncomplete):
        await rank(asked, "B")
    assert market.looks == [["B", "C", "D", "E"]]
    market.late = {"E"}
    asked.bars_changed([SeriesKey("D", "1d")])
    assert await rank(asked, "D") == 0.5
    market.late = set()
    asked.bars_changed([SeriesKey("E", "1d")])
    assert await rank(asked, "D") == 0.25
    assert market.looks[1:] == [["E"], ["E"]]


async def test_a_symbol_whose_bar_is_there_before_it_is_told_of_is_ranked() -> None:
    market = Market(late={"D", "E"})
    asked = sections(market)
    with pytest.raises(CrossSectionIncomplete):
        await rank(asked, "A")
    market.late = {"E"}
    assert await rank(asked, "D") == 0.5


async def test_symbols_that_are_too_young_are_not_needed() -> None:
    asked = sections(Market(young={"C", "D", "E"}))
    assert [await rank(asked, symbol) for symbol in "AB"] == [-0.5, 0.5]


async def test_a_symbol_outside_the_universe_is_refused_with_its_size() -> None:
    with pytest.raises(InvalidRequest, match="symbol: was 'F', needed one of the 5 symbols"):
        await rank(sections(Market()), "F")


async def test_sections_are_let_go_when_they_take_too_much_room() -> None:
    market = Market()
    asked = sections(market, most_bytes=2_000)
    for sequence in range(1, 21):
        assert await rank(asked, "E", sequence) == 0.5
    assert len(market.looks) == 20
    # The last ones are there, the first is looked at again.
    assert await rank(asked, "A", 20) == await rank(asked, "A", 19) == -0.5
    assert len(market.looks) == 20
    assert await rank(asked, "A", 1) == -0.5
    assert len(market.looks) == 21


async def test_sections_of_a_store_that_was_replaced_are_forgotten() -> None:
    market = Market()
    asked = sections(market)
    assert await rank(asked, "A") == -0.5
    market.values = {symbol: -float(place) for place, symbol in enumerate(SYMBOLS)}
    asked.epoch_changed()
    assert await rank(asked, "A") == 0.5


async def test_two_universes_have_sections_of_their_own() -> None:
    asked = sections(Market())
    assert await rank(asked, "B") == -0.25
    assert await rank(asked, "B", feature_set=replace(RANKED, universe=("A", "B"))) == 0.5
