"""Several sources, one series: precedence, scale and conflicts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.data.findings import Kind
from tickcast_trainer.data.merge import merge
from tickcast_trainer.data.precedence import by_precedence, read_precedence, write_precedence
from tickcast_trainer.data.source_series import SourceSeries

WALK = random_walk_bars(200)


def series(name: str, chosen: slice | list[int], scale: float = 1.0) -> SourceSeries:
    ohlcv = WALK.ohlcv[chosen] * np.array([scale] * 4 + [1.0])
    return SourceSeries(
        source=name,
        open_time=WALK.open_time[chosen],
        close_time=WALK.close_time[chosen],
        ohlcv=ohlcv,
        traded_close=ohlcv[:, 3],
    )


def test_the_first_is_believed_and_the_others_fill() -> None:
    merged, findings = merge([series("a", slice(50, 150), 1.002), series("b", slice(0, 200))])
    assert findings == []
    assert merged.open_time.tolist() == WALK.open_time.tolist()
    assert merged.source.tolist() == ["b"] * 50 + ["a"] * 100 + ["b"] * 50
    assert np.array_equal(merged.ohlcv[:50], WALK.ohlcv[:50])


@settings(max_examples=50, deadline=None)
@given(
    chosen=st.lists(st.sets(st.integers(0, 199), min_size=1), min_size=1, max_size=4),
)
def test_every_bar_of_every_source_is_there_once_from_the_first_that_has_it(
    chosen: list[set[int]],
) -> None:
    merged, _ = merge([series(str(rank), sorted(bars)) for rank, bars in enumerate(chosen)])
    held = sorted(set().union(*chosen))
    first = [next(str(rank) for rank, bars in enumerate(chosen) if bar in bars) for bar in held]
    assert merged.open_time.tolist() == WALK.open_time[held].tolist()
    assert merged.source.tolist() == first


def test_a_source_on_another_scale_fills_on_the_scale_of_the_first() -> None:
    merged, findings = merge([series("a", slice(0, 150)), series("b", slice(100, 200), 0.9)])
    assert findings == []
    assert merged.ohlcv[:, 3] == pytest.approx(WALK.ohlcv[:, 3], rel=1e-12)
    assert merged.traded_close[150:] == pytest.approx(WALK.ohlcv[150:, 3] * 0.9)


def test_a_source_that_shares_no_bar_is_told() -> None:
    _, (finding,) = merge([series("a", slice(0, 100)), series("b", slice(100, 200))])
    assert (finding.kind, finding.source, finding.bars) == (Kind.UNLINKED, "b", 100)


@pytest.mark.parametrize("scale", [1.0, 0.9])
@pytest.mark.parametrize("bar", [0, 80, 199])
def test_a_close_apart_from_the_first_source_is_a_conflict_at_that_bar(
    scale: float, bar: int
) -> None:
    other = series("b", slice(0, 200), scale)
    other.traded_close[bar] *= 1.02
    other.ohlcv[bar, 3] *= 1.02
    merged, (finding,) = merge([series("a", slice(0, 200)), other])
    assert (finding.kind, finding.source, finding.start) == (
        Kind.CONFLICT,
        "b",
        WALK.open_time[bar],
    )
    assert np.array_equal(merged.ohlcv, WALK.ohlcv)


def test_a_few_shared_bars_are_compared_as_they_are() -> None:
    _, findings = merge([series("a", slice(0, 100)), series("b", slice(97, 200), 2.0)])
    assert [one.kind for one in findings] == [Kind.CONFLICT] * 3


def test_precedence_is_what_the_folder_says_then_the_default(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("data")
    names = ["zeta", "bundled", "yfinance", "csv", "alpha"]
    assert by_precedence(names, read_precedence(root)) == [
        "csv",
        "yfinance",
        "bundled",
        "alpha",
        "zeta",
    ]
    write_precedence(root, ["zeta", "yfinance"])
    assert by_precedence(names, read_precedence(root)) == [
        "zeta",
        "yfinance",
        "csv",
        "bundled",
        "alpha",
    ]
