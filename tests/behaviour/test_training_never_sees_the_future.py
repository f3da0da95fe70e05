"""Bars that come later change nothing that a model learned before them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.package import read_package
from tickcast_modelkit.testing import bars_of, random_walk_bars
from tickcast_trainer.cli import main
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.progress import ProgressLines

QUIET = ProgressLines(Console(quiet=True))


def dataset(bars: BarSeries, horizon: int) -> Dataset:
    return build_dataset([bars], feature_set=CORE, horizon=horizon, progress=QUIET)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), more=st.integers(1, 150), horizon=st.integers(1, 10))
def test_appended_bars_leave_earlier_rows_as_they_were(seed: int, more: int, horizon: int) -> None:
    whole = random_walk_bars(400, seed=seed)
    before, after = dataset(whole.slice(0, 400 - more), horizon), dataset(whole, horizon)
    count = len(before)
    assert np.array_equal(after.features[:count], before.features)
    assert np.array_equal(after.target[:count], before.target)
    assert np.array_equal(after.as_of_time[:count], before.as_of_time)
    assert np.array_equal(after.target_time[:count], before.target_time)
    for name, forecast in before.baselines.items():
        assert np.array_equal(after.baselines[name][:count], forecast)


def test_a_crash_tomorrow_is_in_no_feature_of_today() -> None:
    calm = random_walk_bars(400)
    values = calm.ohlcv.copy()
    values[300:, :4] /= 2.0
    crashed = bars_of(values)
    one, other = dataset(calm, 1), dataset(crashed, 1)
    known = one.bar < 300
    assert np.array_equal(one.features[known], other.features[known])
    assert not np.array_equal(one.features[~known], other.features[~known])


@pytest.mark.parametrize("estimator", ["ridge", "xgboost"])
def test_training_until_a_day_is_training_on_a_file_that_ends_there(
    tmp_path: Path, estimator: str
) -> None:
    bars = random_walk_bars(900)
    days = bars.open_time.astype("datetime64[s]").astype("datetime64[D]")
    lines = [
        ",".join([str(day), *map(repr, row)])
        for day, row in zip(days, bars.ohlcv.tolist(), strict=True)
    ]
    digests = []
    # The bar of a day closes when the next begins.
    until = ["--until", str(days[700])]
    for name, kept, limit in (("whole", lines, until), ("cut", lines[:700], [])):
        folder = tmp_path / name
        folder.mkdir()
        path = folder / "ACME.csv"
        path.write_text("\n".join(["date,open,high,low,close,volume", *kept]))
        arguments = ["--name", "m", "--estimators", estimator, "--folds", "2", "--source", "csv"]
        assert main([*arguments, *limit, str(path), "--models", str(folder / "models")]) == 0
        digests.append(read_package(folder / "models" / f"m-{estimator}" / "1").manifest)
    assert digests[0].onnx_sha256 == digests[1].onnx_sha256
    assert digests[0].evaluation == digests[1].evaluation
