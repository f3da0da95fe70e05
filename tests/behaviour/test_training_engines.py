"""A run gives the same models on one process, on several, and on Ray."""

from pathlib import Path

import pytest
from tickcast_modelkit.package import read_package
from tickcast_trainer.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "daily.toml"


def train(models: Path, *arguments: str) -> int:
    return main(
        ["--config", str(EXAMPLE), "--until", "2004-01-01", "--models", str(models), *arguments]
    )


def digests(models: Path) -> dict[str, str]:
    return {
        name: read_package(models / name / "1").manifest.onnx_sha256
        for name in ("daily-ridge", "daily-xgboost", "daily-average")
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("alone")
    assert train(models) == 0
    return models


@pytest.mark.parametrize(
    "engine",
    [["--processes", "2"], ["--engine", "ray", "--processes", "2"]],
    ids=["processes", "ray"],
)
def test_the_example_gives_the_same_models(alone: Path, tmp_path: Path, engine: list[str]) -> None:
    assert train(tmp_path, *engine) == 0
    assert digests(tmp_path) == digests(alone)
    for name in digests(alone):
        one, other = (read_package(models / name / "1").manifest for models in (alone, tmp_path))
        assert one.evaluation == other.evaluation
        assert one.band == other.band


def test_an_engine_that_does_not_exist_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, "--engine", "abacus") == 2
    assert "engine: was 'abacus'" in capsys.readouterr().err
