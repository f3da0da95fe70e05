"""The same bars and seed give the same model, to the byte."""

from pathlib import Path

import pytest
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import read_package
from tickcast_trainer.cli import main


def train(repository: Path, estimator: str, seed: int) -> Manifest:
    arguments = ["--name", "daily", "--estimators", estimator, "--folds", "3", "--seed", str(seed)]
    assert main([*arguments, "--models", str(repository)]) == 0
    return read_package(repository / f"daily-{estimator}" / "1").manifest


@pytest.mark.parametrize("estimator", ["ridge", "xgboost"])
def test_two_runs_with_one_seed_are_identical(tmp_path: Path, estimator: str) -> None:
    first = train(tmp_path / "first", estimator, seed=7)
    second = train(tmp_path / "second", estimator, seed=7)
    assert first.onnx_sha256 == second.onnx_sha256
    assert first.golden_sha256 == second.golden_sha256
    assert first.evaluation == second.evaluation
    assert first.band == second.band


def test_another_seed_grows_other_trees(tmp_path: Path) -> None:
    first = train(tmp_path / "first", "xgboost", seed=7)
    second = train(tmp_path / "second", "xgboost", seed=8)
    assert first.onnx_sha256 != second.onnx_sha256
