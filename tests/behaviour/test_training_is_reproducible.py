"""The same bars and seed give the same model, to the byte."""

from pathlib import Path

import pytest
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import read_package
from tickcast_trainer.cli import main

ESTIMATORS = ("ridge", "xgboost")


def train(repository: Path, *, seed: int) -> dict[str, Manifest]:
    arguments = ["--name", "daily", "--estimators", ",".join(ESTIMATORS), "--folds", "3"]
    arguments += ["--until", "2004-01-01", "--seed", str(seed), "--models", str(repository)]
    assert main(arguments) == 0
    return {name: read_package(repository / f"daily-{name}" / "1").manifest for name in ESTIMATORS}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Manifest]:
    return train(tmp_path_factory.mktemp("first"), seed=7)


def test_two_runs_with_one_seed_are_identical(trained: dict[str, Manifest], tmp_path: Path) -> None:
    again = train(tmp_path, seed=7)
    for first, second in zip(trained.values(), again.values(), strict=True):
        assert first.onnx_sha256 == second.onnx_sha256
        assert first.golden_sha256 == second.golden_sha256
        assert first.evaluation == second.evaluation
        assert first.band == second.band


def test_another_seed_grows_other_trees(trained: dict[str, Manifest], tmp_path: Path) -> None:
    other = train(tmp_path, seed=8)
    assert trained["xgboost"].onnx_sha256 != other["xgboost"].onnx_sha256
