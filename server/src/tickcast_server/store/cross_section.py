"""Features that rank a symbol among its universe, from the rows of all of it as of the same time.

Who is ranked, and when too few are there, follows the rule that training follows: see
`tickcast_modelkit.features.cross_section`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.features import FeatureSet
from tickcast_modelkit.features.cross_section import needed_symbols, rank_among

from tickcast_server.errors import CrossSectionIncomplete, InvalidRequest
from tickcast_server.store.peers import Absence
from tickcast_server.store.store import FeatureRow, SeriesKey
from tickcast_server.turn import Turn

# Bytes of sections that are kept, so that symbols which catch up one after the other share them:
# about 800 as-of times of 5,000 symbols and two ranks.
MOST_BYTES = 32 * 2**20

_OVERHEAD = 512
_BYTES_OF_MISSING = 64

_Asked = tuple[str, str, int]
"""Feature set, timeframe and as-of time."""


class OwnFeatures(Protocol):
    """Reads or computes the row of one symbol, of a set that ranks nothing."""

    def __call__(
        self, key: SeriesKey, feature_set: FeatureSet, *, sequence: int | None, turn: Turn
    ) -> Awaitable[tuple[FeatureRow, bool]]: ...


class PeerRows(Protocol):
    """Looks up what symbols have as of a time, by symbol; `Peers` is one."""

    def at(
        self, keys: Iterable[SeriesKey], feature_set: FeatureSet, time: int, turn: Turn
    ) -> Awaitable[dict[str, FeatureRow | Absence]]: ...


class CrossSections:
    """The sections asked for last. Used by one event loop; hears of new bars as a listener does."""

    def __init__(self, peers: PeerRows, own: OwnFeatures, *, most_bytes: int = MOST_BYTES) -> None:
        self._peers = peers
        self._own = own
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[_Asked, _Section] = OrderedDict()
        self._news: dict[str, int] = {}

    async def features(
        self, key: SeriesKey, feature_set: FeatureSet, *, sequence: int | None, turn: Turn
    ) -> tuple[FeatureRow, bool]:
        """The features at the last bar or at `sequence`, ranks behind them.

        With it, whether the symbol's own were held already. Raises what reading them raises,
        `InvalidRequest` for a symbol outside the universe, and `CrossSectionIncomplete`.
        """
        if key.symbol not in feature_set.members:
            raise _outside(key.symbol, feature_set)
        row, cached = await self._own(key, feature_set.own, sequence=sequence, turn=turn)
        section = await self._section(key, feature_set, row, turn)
        if section.present < section.needed:
            raise CrossSectionIncomplete(
                key.symbol,
                key.timeframe,
                as_of_time=_instant(row.as_of_time),
                present=section.present,
                needed=section.needed,
            )
        ranks = section.ranks(row.values[feature_set.ranked])
        return replace(row, values=np.concatenate([row.values, ranks])), cached

    def bars_changed(self, keys: Collection[SeriesKey]) -> None:
        """Has sections that lack symbols look again when they are next asked for."""
        for timeframe in {key.timeframe for key in keys}:
            self._news[timeframe] = self._news.get(timeframe, 0) + 1

    def epoch_changed(self) -> None:
        """Forgets every section: their bars are gone."""
        self._kept.clear()
        self._bytes = 0

    def store_reachable(self, reachable: bool) -> None:
        """Nothing changes: what is missing is looked for when bars arrive."""

    async def _section(
        self, key: SeriesKey, feature_set: FeatureSet, row: FeatureRow, turn: Turn
    ) -> _Section:
        asked = (feature_set.id, key.timeframe, row.as_of_time)
        section = self._kept.get(asked)
        if section is None:
            section = self._kept[asked] = _Section(feature_set)
        else:
            self._kept.move_to_end(asked)
        if not self._is_current(section, key):
            await self._look(section, asked, key, row, turn)
        return section

    def _is_current(self, section: _Section, key: SeriesKey) -> bool:
        # A bar is in memory a moment before it is told of: its own symbol must not be left out.
        return key.symbol not in section.missing and (
            not section.missing or section.news == self._news.get(key.timeframe, 0)
        )

    async def _look(
        self, section: _Section, asked: _Asked, key: SeriesKey, row: FeatureRow, turn: Turn
    ) -> None:
        async with section.lock:
            if self._is_current(section, key):
                return
            # Read before looking: what arrives meanwhile is looked for the next time.
            news = self._news.get(key.timeframe, 0)
            others = [
                SeriesKey(symbol, key.timeframe)
                for symbol in section.missing
                if symbol != key.symbol
            ]
            own = section.feature_set.own
            found = await self._peers.at(others, own, row.as_of_time, turn)
            section.take({key.symbol: row, **found})
            section.news = news
        self._account(asked, section)

    def _account(self, asked: _Asked, section: _Section) -> None:
        if self._kept.get(asked) is not section:
            return
        self._bytes += section.bytes - section.accounted
        section.accounted = section.bytes
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.accounted


class _Section:
    """The ranked features of one as-of time, in order, and who is not among them."""

    __slots__ = (
        "_ascending",
        "_too_young",
        "accounted",
        "feature_set",
        "lock",
        "missing",
        "needed",
        "news",
    )

    def __init__(self, feature_set: FeatureSet) -> None:
        self.feature_set = feature_set
        self.lock = asyncio.Lock()
        self.missing = set(feature_set.universe)
        self.needed = len(feature_set.universe)
        self.news = -1
        self.accounted = 0
        self._too_young = 0
        self._ascending: NDArray[np.float32] = np.empty(
            (0, len(feature_set.ranks)), dtype=np.float32
        )

    @property
    def present(self) -> int:
        """Symbols that are ranked."""
        return len(self._ascending)

    @property
    def bytes(self) -> int:
        """About what it takes in memory."""
        return self._ascending.nbytes + _BYTES_OF_MISSING * len(self.missing) + _OVERHEAD

    def take(self, found: Mapping[str, FeatureRow | Absence]) -> None:
        """Takes in what was found of symbols, of which some may have been taken in before."""
        rows = []
        for symbol, held in found.items():
            if symbol not in self.missing or held is Absence.MISSING:
                continue
            self.missing.remove(symbol)
            if isinstance(held, FeatureRow):
                rows.append(held.values[self.feature_set.ranked])
            else:
                self._too_young += 1
        if rows:
            self._ascending = np.sort(np.concatenate([self._ascending, np.stack(rows)]), axis=0)
        expected = np.asarray(len(self.feature_set.universe) - self._too_young)
        self.needed = int(needed_symbols(self.feature_set.minimum_share, expected))

    def ranks(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The ranks (R,) of the ranked features (R,) of one of its symbols."""
        return np.concatenate(
            [
                rank_among(self._ascending[:, place], values[place : place + 1])
                for place in range(len(values))
            ]
        )


def _outside(symbol: str, feature_set: FeatureSet) -> InvalidRequest:
    return InvalidRequest.of(
        "symbol",
        f"was {symbol!r}, needed one of the {len(feature_set.universe)} "
        f"symbols that featureSets/{feature_set.id} ranks",
    )


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
