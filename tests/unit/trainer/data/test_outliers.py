"""Outliers and suspect splits: robust, blind to the future, and sparing of honest markets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_modelkit.testing import flat_bars, random_walk_bars
from tickcast_trainer.data.outliers import FEWEST, SPAN, THRESHOLD, outlier_scores
from tickcast_trainer.data.splits import suspect_splits
from tickcast_trainer.sources import bundled

WALK = random_walk_bars(400)


def flagged(ohlcv: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[int]:
    return np.flatnonzero(outlier_scores(ohlcv) > THRESHOLD).tolist()


@pytest.mark.parametrize("seed", range(10))
def test_a_random_walk_has_none(seed: int) -> None:
    assert flagged(random_walk_bars(2000, seed=seed).ohlcv) == []


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("bar", [FEWEST + 1, 200, 398])
def test_a_bad_print_is_flagged_with_the_return_from_it(bar: int, factor: float) -> None:
    ohlcv = WALK.ohlcv.copy()
    ohlcv[bar, :4] *= factor
    assert flagged(ohlcv) == [bar, bar + 1]


@pytest.mark.parametrize(("column", "factor"), [(1, 2.0), (2, 0.5)])
def test_a_high_or_low_far_out_is_flagged(column: int, factor: float) -> None:
    ohlcv = WALK.ohlcv.copy()
    ohlcv[200, column] *= factor
    assert flagged(ohlcv) == [200]


def test_a_wild_market_gets_wild_bounds() -> None:
    calm = random_walk_bars(300, volatility=0.001).ohlcv.copy()
    wild = random_walk_bars(300, volatility=0.05).ohlcv.copy()
    calm[200, [0, 1, 3]] *= 1.05
    wild[200, [0, 1, 3]] *= 1.05
    assert 200 in flagged(calm)
    assert 200 not in flagged(wild)


@pytest.mark.parametrize("bar", [FEWEST + 1, 50, SPAN + 1, 399])
def test_a_score_is_the_move_over_the_scale_of_the_bars_before(bar: int) -> None:
    logs = np.log(WALK.ohlcv[:, :4])
    returns = np.diff(logs[:, 3])[max(0, bar - 1 - SPAN) : bar]
    before, own = returns[:-1], returns[-1]
    body = logs[:, [0, 3]]
    reaches = np.maximum(logs[:, 1] - body.max(axis=1), body.min(axis=1) - logs[:, 2])
    deviation = 1.4826 * np.median(np.abs(before - np.median(before)))
    scale = max(deviation, float(np.median(reaches[max(1, bar - SPAN) : bar])))
    expected = max(abs(own - np.median(before)), reaches[bar]) / scale
    assert outlier_scores(WALK.ohlcv)[bar] == pytest.approx(expected, rel=1e-12)


def test_a_price_that_never_moves_has_none() -> None:
    assert outlier_scores(flat_bars(100).ohlcv).max() == 0.0


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(1, 399), factor=st.floats(0.2, 5.0))
def test_no_later_bar_changes_a_score(cut: int, factor: float) -> None:
    changed = WALK.ohlcv.copy()
    changed[cut:, :4] *= factor
    whole, altered, short = map(outlier_scores, (WALK.ohlcv, changed, WALK.ohlcv[:cut]))
    assert np.array_equal(short, whole[:cut])
    assert np.array_equal(short, altered[:cut])


def test_real_stocks_have_few_and_the_fall_of_apple_is_the_largest() -> None:
    series = {one.symbol: one for one in bundled.open()}
    shares = [len(flagged(one.ohlcv)) / len(one) for one in series.values()]
    assert max(shares) < 0.002
    apple = series["AAPL"]
    worst = int(outlier_scores(apple.ohlcv).argmax())
    assert np.datetime64(int(apple.open_time[worst]), "s") == np.datetime64("2000-09-29")


@pytest.mark.parametrize("ratio", [1.5, 2.0, 7.0, 20.0, 1 / 10])
def test_a_split_that_nobody_undid_is_suspected_once_with_its_ratio(ratio: float) -> None:
    ohlcv = random_walk_bars(400, volatility=0.01).ohlcv.copy()
    ohlcv[250:, :4] /= ratio
    ((bar, found),) = suspect_splits(ohlcv, outlier_scores(ohlcv), THRESHOLD)
    assert bar == 250
    assert found == pytest.approx(ratio)


def test_neither_crashes_nor_undone_splits_of_real_stocks_are_suspected() -> None:
    for one in bundled.open():
        assert suspect_splits(one.ohlcv, outlier_scores(one.ohlcv), THRESHOLD) == []


def test_the_splits_of_the_raw_bundled_closes_are_found() -> None:
    from bokeh_sampledata import stocks

    columns = [stocks.AAPL[name] for name in ("open", "high", "low", "close", "volume")]
    raw = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    found = suspect_splits(raw, outlier_scores(raw), THRESHOLD)
    assert [(stocks.AAPL["date"][bar], ratio) for bar, ratio in found] == [
        ("2000-06-21", 2.0),
        ("2005-02-28", 2.0),
    ]
