from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tickcast_modelkit.errors import InvalidArray, TooFewBars, UnknownFeatureSet
from tickcast_modelkit.features import (
    CORE,
    Feature,
    Rank,
    Windows,
    catalog,
    feature_sets,
    last_window,
    sliding_windows,
)
from tickcast_modelkit.features.feature_set import FeatureSet
from tickcast_modelkit.features.returns import log_return, sma_distance
from tickcast_modelkit.testing import bars_of, random_walk_bars

SMALL = FeatureSet(
    name="small",
    window=8,
    minimum_bars=4,
    features=(
        Feature("return_1", log_return, {"span": 1}),
        Feature("sma_distance_3", sma_distance, {"span": 3}),
    ),
)
RANKED = replace(SMALL, ranks=(Rank("rank_return_1", of="return_1"),))


def test_the_core_set_looks_back_far_enough_and_not_too_far() -> None:
    assert CORE.window >= 256
    assert len(CORE.features) >= 24
    spans = [value for f in CORE.features for name, value in f.parameters.items() if name == "span"]
    assert max(spans) < CORE.minimum_bars


def test_the_id_is_the_name_and_a_digest_of_the_specification() -> None:
    assert SMALL.id == "small-9a66a93b57bb"
    assert SMALL.names == ("return_1", "sma_distance_3")


@pytest.mark.parametrize(
    "changed",
    [
        replace(SMALL, name="other"),
        replace(SMALL, window=9),
        replace(SMALL, minimum_bars=5),
        replace(SMALL, features=SMALL.features[::-1]),
        replace(SMALL, features=SMALL.features[:1]),
        replace(SMALL, features=(replace(SMALL.features[0], revision=2), SMALL.features[1])),
        replace(SMALL, features=(replace(SMALL.features[0], name="r"), SMALL.features[1])),
        replace(
            SMALL, features=(replace(SMALL.features[0], parameters={"span": 2}), SMALL.features[1])
        ),
        replace(
            SMALL, features=(replace(SMALL.features[0], function=sma_distance), SMALL.features[1])
        ),
    ],
)
def test_whatever_changes_the_numbers_changes_the_id(changed: FeatureSet) -> None:
    assert changed.id != SMALL.id


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="needed unique names"):
        replace(SMALL, features=SMALL.features[:1] * 2)


@pytest.mark.parametrize("minimum", [0, 9])
def test_the_minimum_lies_within_the_window(minimum: int) -> None:
    with pytest.raises(ValueError, match=f"minimum_bars: was {minimum}, needed 1 to 8"):
        replace(SMALL, minimum_bars=minimum)


def test_windows_of_another_length_are_refused() -> None:
    windows = Windows(np.ones((2, 7, 5)), np.zeros((2, 7), dtype=np.int64))
    with pytest.raises(InvalidArray, match="windows: was 7 bars, needed 8 bars"):
        SMALL.compute(windows)


@pytest.mark.parametrize(
    ("ohlcv", "open_time", "message"),
    [
        ((8, 5), (8,), r"ohlcv: was shape \(8, 5\), needed shape \(n, W, 5\)"),
        ((2, 8, 4), (2, 8), r"ohlcv: was shape \(2, 8, 4\), needed"),
        ((2, 8, 5), (8,), r"open_time: was shape \(8,\), needed shape \(2, 8\)"),
    ],
)
def test_arrays_that_are_no_windows_are_refused(
    ohlcv: tuple[int, ...], open_time: tuple[int, ...], message: str
) -> None:
    with pytest.raises(InvalidArray, match=message):
        Windows(np.ones(ohlcv), np.zeros(open_time, dtype=np.int64))


def test_the_last_window_is_the_last_bars() -> None:
    bars = random_walk_bars(20)
    window = last_window(SMALL, bars.open_time, bars.ohlcv)
    assert window.ohlcv[0].tolist() == bars.ohlcv[-8:].tolist()
    assert window.open_time[0].tolist() == bars.open_time[-8:].tolist()


def test_a_young_window_is_filled_with_flat_bars_at_the_first_open() -> None:
    rows = [[10.0 + i, 20.0, 5.0, 11.0, 100.0 + i] for i in range(5)]
    bars = bars_of(rows)
    window = last_window(SMALL, bars.open_time, bars.ohlcv)
    assert window.ohlcv[0].tolist() == [[10.0, 10.0, 10.0, 10.0, 100.0]] * 3 + rows
    assert window.open_time[0].tolist() == [bars.open_time[0]] * 3 + bars.open_time.tolist()


def test_too_few_bars_says_how_many_there_are_and_how_many_are_needed() -> None:
    bars = random_walk_bars(3)
    with pytest.raises(TooFewBars, match="bars: was 3, needed at least 4") as caught:
        last_window(SMALL, bars.open_time, bars.ohlcv)
    assert (caught.value.held, caught.value.needed) == (3, 4)


@pytest.mark.parametrize("chunk_rows", [1, 5, 100])
def test_sliding_windows_are_the_last_windows_of_every_bar(chunk_rows: int) -> None:
    bars = random_walk_bars(20)
    chunks = list(sliding_windows(SMALL, bars, chunk_rows=chunk_rows))
    assert [len(windows) <= chunk_rows for _, windows in chunks] == [True] * len(chunks)
    rows = np.concatenate([rows for rows, _ in chunks])
    assert rows.tolist() == list(range(3, 20))
    values = np.concatenate([windows.ohlcv for _, windows in chunks])
    times = np.concatenate([windows.open_time for _, windows in chunks])
    for index, row in enumerate(rows.tolist()):
        window = last_window(SMALL, bars.open_time[: row + 1], bars.ohlcv[: row + 1])
        assert np.array_equal(values[index], window.ohlcv[0])
        assert np.array_equal(times[index], window.open_time[0])


def test_a_series_that_is_too_short_has_no_windows() -> None:
    assert list(sliding_windows(SMALL, random_walk_bars(3))) == []
    assert len(list(sliding_windows(SMALL, random_walk_bars(4)))) == 1


def test_the_catalogue_finds_a_set_by_its_id() -> None:
    assert catalog.get(CORE.id) is CORE
    assert feature_sets()[CORE.id] is CORE
    with pytest.raises(UnknownFeatureSet, match=f"was 'core-0', needed one of {CORE.id}"):
        catalog.get("core-0")


def test_ranks_are_behind_the_features_and_beside_the_rows_of_their_section() -> None:
    assert RANKED.names == ("return_1", "sma_distance_3", "rank_return_1")
    windows = [
        last_window(RANKED, bars.open_time, bars.ohlcv)
        for bars in (random_walk_bars(20, seed=seed) for seed in range(4))
    ]
    own = np.concatenate([RANKED.compute(window) for window in windows])
    assert own.shape == (4, 2)
    complete = RANKED.complete(own)
    assert complete[:, :2].tobytes() == own.tobytes()
    assert sorted(complete[:, 2]) == pytest.approx([-0.5, -1 / 6, 1 / 6, 0.5])
    assert np.array_equal(np.argsort(complete[:, 2]), np.argsort(own[:, 0]))
    assert SMALL.complete(own) is own


def test_a_set_that_ranks_is_bound_to_a_universe_by_its_id() -> None:
    assert RANKED.is_unbound
    assert not SMALL.is_unbound
    bound = RANKED.bound_to(["B", "A", "B"])
    assert bound.universe == ("A", "B")
    ids = {SMALL.id, RANKED.id, bound.id, RANKED.bound_to(["A", "C"]).id}
    assert len({*ids, replace(bound, minimum_share=0.5).id}) == 5
    # Named by whoever declared it, or nothing to bind: left alone.
    assert bound.bound_to(["C"]) is bound
    assert SMALL.bound_to(["C"]) is SMALL


def test_what_one_symbol_tells_is_a_set_of_its_own_shared_with_sets_that_do_not_rank() -> None:
    assert RANKED.bound_to(["A"]).own.id == SMALL.id
    assert SMALL.own is SMALL


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranks": (Rank("r", of="luck"),)}, "r.of: was 'luck', needed one of return_1, sma"),
        ({"ranks": (Rank("return_1", of="return_1"),)}, "needed unique names"),
        ({"ranks": (Rank("a", of="return_1"), Rank("b", of="a"))}, "b.of: was 'a', needed one of"),
        ({"universe": ("A",)}, "universe: was of 1 symbols, needed ranks as well"),
        ({"ranks": RANKED.ranks, "universe": ("B", "A")}, "universe: was B, A, needed each once"),
        ({"minimum_share": 0.0}, "minimum_share: was 0.0, needed above 0, at most 1"),
        ({"minimum_share": 1.1}, "minimum_share: was 1.1, needed above 0, at most 1"),
    ],
)
def test_ranks_that_cannot_be_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)
