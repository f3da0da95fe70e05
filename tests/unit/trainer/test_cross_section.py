"""Ranks of past bars: whom a row is ranked among, and which rows have too few peers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import Feature, FeatureSet, Rank
from tickcast_modelkit.features.returns import log_return
from tickcast_modelkit.testing import MONDAY, random_walk_bars
from tickcast_trainer.cross_section import section_at
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.engine import HERE, Engine, open_engine
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.validation.leaks import count_different_rows

QUIET = ProgressLines(Console(quiet=True))
DAY = 86_400
SMALL = FeatureSet(
    name="small",
    window=12,
    minimum_bars=6,
    features=(
        Feature("return_1", log_return, {"span": 1}),
        Feature("return_5", log_return, {"span": 5}),
    ),
    ranks=(Rank("rank_return_5", of="return_5"), Rank("rank_return_1", of="return_1")),
)


def walk(symbol: str, count: int, *, start: int = 0) -> BarSeries:
    """Bars from day ``start`` on."""
    return random_walk_bars(
        count, symbol=symbol, seed=ord(symbol[0]), start=MONDAY + start * DAY, volatility=0.03
    )


def without(series: BarSeries, *days: int) -> BarSeries:
    """The series with some of its bars missing."""
    kept = np.delete(np.arange(len(series)), days)
    return BarSeries.checked(
        symbol=series.symbol,
        timeframe=series.timeframe,
        open_time=series.open_time[kept],
        ohlcv=series.ohlcv[kept],
    )


def dataset(*series: BarSeries, feature_set: FeatureSet = SMALL, engine: Engine = HERE) -> Dataset:
    return build_dataset(series, feature_set=feature_set, horizon=1, progress=QUIET, engine=engine)


def peers(rows: Dataset, day: int) -> set[str]:
    """Symbols with a row as of the close of a day."""
    chosen = rows.as_of_time == MONDAY + (day + 1) * DAY
    return {rows.symbols[index] for index in rows.series_index[chosen]}


def ranked_among(rows: Dataset, day: int) -> int:
    """How many symbols a server would rank as of a day; the rows must be ranked among those."""
    time = MONDAY + (day + 1) * DAY
    symbols, features = section_at(rows.feature_set, rows.members, time)
    for row in np.flatnonzero(rows.as_of_time == time):
        symbol = rows.symbols[rows.series_index[row]]
        assert rows.features[row].tobytes() == features[symbols.index(symbol)].tobytes()
    return len(symbols)


def test_ranks_are_those_among_all_rows_as_of_the_same_time() -> None:
    rows = dataset(walk("A", 130), walk("B", 130), without(walk("C", 130), 90, 91), walk("D", 130))
    assert rows.feature_set.universe == ("A", "B", "C", "D")
    assert rows.feature_set.names == ("return_1", "return_5", "rank_return_5", "rank_return_1")
    assert rows.features.shape == (len(rows), 4)
    for time in np.unique(rows.as_of_time):
        chosen = rows.features[rows.as_of_time == time]
        if len(chosen) == 4:
            assert np.array_equal(chosen, rows.feature_set.complete(chosen[:, :2]))
    every = list(range(len(rows)))
    assert rows.recomputed(every).tobytes() == rows.features.tobytes()


def test_a_bar_without_a_target_yet_is_a_peer() -> None:
    ended, others = walk("A", 120), [walk(symbol, 130) for symbol in "BCDE"]
    rows = dataset(ended, *others)
    assert peers(rows, 118) == set("ABCDE")
    assert peers(rows, 119) == set("BCDE")
    assert ranked_among(rows, 119) == 5
    assert ranked_among(rows, 120) == 4


def test_a_symbol_too_short_for_any_row_is_a_peer() -> None:
    rows = dataset(walk("A", 12, start=80), *[walk(symbol, 130) for symbol in "BCDE"])
    assert rows.left_out == ("A",)
    assert "A" in rows.feature_set.universe
    assert [ranked_among(rows, day) for day in (84, 85, 91, 92)] == [4, 5, 5, 4]


def test_symbols_that_are_too_young_are_not_missed() -> None:
    rows = dataset(walk("A", 160), *[walk(symbol, 90, start=70) for symbol in "BCDE"])
    # A is alone until the others have their sixth bar, and a row long before their own first.
    assert peers(rows, 74) == peers(rows, 75) == {"A"}
    assert [ranked_among(rows, day) for day in (74, 75)] == [1, 5]
    assert rows.unranked == 0


def test_symbols_whose_bars_have_ended_or_have_a_hole_are_missed() -> None:
    full = [walk(symbol, 130) for symbol in "ABCD"]
    ended = without(walk("E", 110), 90)
    rows = dataset(*full, ended)
    assert peers(rows, 89) == set("ABCDE")
    assert peers(rows, 90) == peers(rows, 115) == set("ABCD")
    rows = dataset(*full, ended, feature_set=replace(SMALL, minimum_share=0.9))
    assert peers(rows, 89) == set("ABCDE")
    assert peers(rows, 90) == peers(rows, 115) == set()
    # Of A to D: that of the hole, and those after the last bar of E that have a target.
    assert rows.unranked == 4 * (1 + 19)


def test_a_universe_that_the_set_names_is_taken_as_it_is() -> None:
    named = replace(SMALL, universe=("A", "B", "Z"), minimum_share=0.5)
    rows = dataset(*[walk(symbol, 130) for symbol in "ABC"], feature_set=named)
    assert rows.feature_set.id == named.id
    assert rows.symbols == ("A", "B")
    assert rows.left_out == ("C",)
    # Z has no bars, so that nobody knows whether it is late.
    with pytest.raises(NotEnoughHistory, match="needed 80% of the 3 of the universe of small"):
        dataset(walk("A", 130), walk("B", 130), feature_set=replace(named, minimum_share=0.8))
    with pytest.raises(NotEnoughHistory, match="bars: were 0 of the longest symbol"):
        dataset(walk("C", 130), feature_set=named)


def test_ranks_do_not_depend_on_where_features_are_computed() -> None:
    series = [walk(symbol, 130 + place) for place, symbol in enumerate("ABCDEF")]
    here = dataset(*series)
    with open_engine("local", 2) as engine:
        there = dataset(*series, engine=engine)
    assert there.feature_set.id == here.feature_set.id
    assert there.features.tobytes() == here.features.tobytes()


@st.composite
def markets(draw: st.DrawFn) -> list[BarSeries]:
    """A few symbols that begin and end anywhere, some with a hole."""
    found = [walk("A", 130)]
    for symbol in "BCDE":
        one = walk(symbol, draw(st.integers(3, 130)), start=draw(st.integers(0, 60)))
        if draw(st.booleans()):
            one = without(one, draw(st.integers(0, len(one) - 1)))
        found.append(one)
    return found


@settings(max_examples=30, deadline=None)
@given(markets(), st.sampled_from([0.4, 0.6, 0.8, 1.0]), st.integers(66, 130))
def test_nothing_that_comes_later_changes_a_row(
    series: list[BarSeries], share: float, held: int
) -> None:
    bound = replace(SMALL, minimum_share=share, universe=tuple("ABCDE"))
    now = MONDAY + held * DAY
    try:
        whole = dataset(*series, feature_set=bound)
        part = dataset(*[one.closed_by(now) for one in series], feature_set=bound)
    except NotEnoughHistory:
        return
    known = whole.target_time <= now
    # Later bars may show that a symbol was too young to be missed, and so add rows; no more.
    keys = {
        (time, whole.symbols[index]): row.tobytes()
        for time, index, row in zip(
            whole.as_of_time[known], whole.series_index[known], whole.features[known], strict=True
        )
    }
    for time, index, row in zip(part.as_of_time, part.series_index, part.features, strict=True):
        assert keys[time, part.symbols[index]] == row.tobytes()
    assert count_different_rows(whole, list(range(len(whole)))) == 0
