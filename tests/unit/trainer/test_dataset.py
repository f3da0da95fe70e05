"""The dataset: which bars become rows, and what each row holds."""

import numpy as np
import pytest
from rich.console import Console
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import flat_bars, random_walk_bars
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.progress import ProgressLines

QUIET = ProgressLines(Console(quiet=True))


def dataset(*series: BarSeries, horizon: int = 1) -> Dataset:
    return build_dataset(series, feature_set=CORE, horizon=horizon, progress=QUIET)


@pytest.mark.parametrize("horizon", [1, 5, 80])
def test_a_row_for_every_bar_with_a_past_and_a_future(horizon: int) -> None:
    bars = random_walk_bars(400)
    rows = dataset(bars, horizon=horizon)
    assert rows.bar.tolist() == list(range(max(63, horizon), 400 - horizon))
    close = bars.ohlcv[:, 3]
    assert np.array_equal(rows.target, np.log(close[rows.bar + horizon] / close[rows.bar]))
    assert np.array_equal(rows.as_of_time, bars.close_time[rows.bar])
    assert np.array_equal(rows.target_time, bars.close_time[rows.bar + horizon])
    assert all(np.isfinite(forecast).all() for forecast in rows.baselines.values())
    assert np.isfinite(rows.features).all()


def test_features_are_bit_identical_to_those_a_server_computes() -> None:
    rows = dataset(random_walk_bars(300, symbol="A"), random_walk_bars(330, seed=1, symbol="B"))
    chosen = list(range(0, len(rows), 7))
    assert np.array_equal(CORE.compute(rows.windows(chosen)), rows.features[chosen])


def test_rows_of_all_symbols_are_ordered_by_time() -> None:
    rows = dataset(random_walk_bars(300, symbol="A"), random_walk_bars(200, seed=1, symbol="B"))
    assert rows.symbols == ("A", "B")
    assert np.all(np.diff(rows.as_of_time) >= 0)
    same_time = np.diff(rows.as_of_time) == 0
    assert np.all(np.diff(rows.series_index)[same_time] > 0)
    for index, series in enumerate(rows.series):
        own = rows.series_index == index
        assert np.array_equal(series.close_time[rows.bar[own]], rows.as_of_time[own])


def test_a_symbol_with_too_few_bars_is_left_out_and_named() -> None:
    rows = dataset(random_walk_bars(300, symbol="A"), random_walk_bars(64, seed=1, symbol="B"))
    assert rows.symbols == ("A",)
    assert rows.left_out == ("B",)
    assert dataset(random_walk_bars(65)).bar.tolist() == [63]


def test_too_few_bars_of_every_symbol_are_refused_with_figures() -> None:
    with pytest.raises(NotEnoughHistory, match="were 64 of the longest symbol, needed 65"):
        dataset(random_walk_bars(64))


def test_prices_that_never_move_are_refused() -> None:
    with pytest.raises(NotEnoughHistory, match="without any movement"):
        dataset(flat_bars(300))
