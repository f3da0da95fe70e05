"""Whatever arrives, in whatever pieces: silver has each valid bar once, by the stated order."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.data.bronze import add_received
from tickcast_trainer.data.layout import BRONZE, SeriesKey
from tickcast_trainer.data.precedence import DEFAULT_PRECEDENCE
from tickcast_trainer.data.silver import open_silver
from tickcast_trainer.sources.received import page

KEY = SeriesKey("1d", "TEST")
WALK = random_walk_bars(30)
SOURCES = ("csv", "kraken", "bundled")

# A source and the bars that it sends, in that order, some of them twice.
Arrival = tuple[str, list[int]]
arrivals = st.lists(
    st.tuples(st.sampled_from(SOURCES), st.lists(st.integers(0, 29), min_size=1, max_size=20)),
    min_size=1,
    max_size=5,
)


def volume(arrival: int, bar: int) -> float:
    """Tells an arrival's bar from every other, without a price that could be a conflict."""
    return 1000.0 * (arrival + 1) + bar


def silver_of(root: Path, sent: list[Arrival]) -> tuple[list[int], list[str], list[float]]:
    for arrival, (source, bars) in enumerate(sent):
        ohlcv = [[*WALK.ohlcv[bar, :4], volume(arrival, bar)] for bar in bars]
        received = page([int(WALK.open_time[bar]) for bar in bars], ohlcv, provenance="a test")
        add_received(root / BRONZE, KEY, source, received, arrival_time=1_900_000_000 + arrival)
    silver = open_silver(root, KEY, DEFAULT_PRECEDENCE)
    series = silver.series
    return series.open_time.tolist(), silver.source.tolist(), series.ohlcv[:, 4].tolist()


@settings(max_examples=40, deadline=None)
@given(sent=arrivals)
def test_each_bar_is_the_last_word_of_the_source_believed_first(
    tmp_path_factory: pytest.TempPathFactory, sent: list[Arrival]
) -> None:
    told: dict[int, dict[str, float]] = {}
    for arrival, (source, bars) in enumerate(sent):
        for bar in bars:
            told.setdefault(bar, {})[source] = volume(arrival, bar)
    expected = []
    for bar, words in sorted(told.items()):
        source = next(name for name in SOURCES if name in words)
        expected.append((int(WALK.open_time[bar]), source, words[source]))
    times, sources, volumes = silver_of(tmp_path_factory.mktemp("data"), sent)
    assert list(zip(times, sources, volumes, strict=True)) == expected


@settings(max_examples=20, deadline=None)
@given(sent=arrivals)
def test_silver_made_step_by_step_is_silver_made_at_once(
    tmp_path_factory: pytest.TempPathFactory, sent: list[Arrival]
) -> None:
    at_once, by_steps = tmp_path_factory.mktemp("once"), tmp_path_factory.mktemp("steps")
    for arrival in range(len(sent)):
        silver_of(by_steps, sent[: arrival + 1])
    silver_of(at_once, sent)
    contents = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (at_once, by_steps)
    ]
    assert contents[0] == contents[1]


def test_prices_are_untouched_where_sources_agree(tmp_path: Path) -> None:
    silver_of(tmp_path, [("kraken", [0, 1, 2]), ("csv", [2, 3, 4])])
    prices = open_silver(tmp_path, KEY, DEFAULT_PRECEDENCE).series.ohlcv[:, :4]
    assert np.array_equal(prices, WALK.ohlcv[:5, :4])
