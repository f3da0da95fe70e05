"""A model of the return up to a barrier is trained, told of, served, and compared with its like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tickcast import AsyncClient
from tickcast_modelkit.package import read_package, set_alias
from tickcast_server.testing import start_local
from tickcast_trainer.cli import main
from tickcast_trainer.promotion.cli import promote_main

UNTIL = "2004-01-01"


def train(models: Path, *arguments: str) -> int:
    return main(
        [
            *("--name", "early", "--estimators", "ridge", "--until", UNTIL, "--horizon", "10"),
            *("--folds", "4", "--no-report", "--models", str(models)),
            *arguments,
        ]
    )


async def test_a_barrier_is_in_the_manifest_and_servers_tell_of_it(tmp_path: Path) -> None:
    models = tmp_path / "models"
    assert train(models, "--target", "triple-barrier", "--barrier", "0.5") == 0
    manifest = read_package(models / "early-ridge" / "1").manifest
    assert manifest.target == "barrier_return"
    assert manifest.barrier is not None
    assert manifest.barrier.width == 0.5
    assert "target" not in manifest.training.parameters
    # Every row is the same when it is made again.
    assert "recomputed" not in manifest.evaluation.verdict
    assert "leak" not in manifest.evaluation.verdict
    async with start_local(tmp_path) as app, AsyncClient(app.address) as client:
        version = await client.get_model_version("models/early-ridge/versions/1")
        assert version.target == "barrier_return"
        assert version.horizon_bars == 10


def test_a_nearer_barrier_takes_smaller_outcomes(tmp_path: Path) -> None:
    errors = {}
    for kind in ("triple-barrier", "log-return"):
        models = tmp_path / kind
        assert train(models, "--target", kind, "--barrier", "0.3") == 0
        scores = read_package(models / "early-ridge" / "1").manifest.evaluation.scores
        errors[kind] = next(score.rmse for score in scores if score.estimator == "zero")
    assert errors["triple-barrier"] < 0.7 * errors["log-return"]


def test_models_of_different_questions_are_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path) == 0
    assert train(tmp_path, "--target", "triple-barrier") == 0
    assert promote_main(["early-ridge", "--models", str(tmp_path)]) == 2
    assert "predicts barrier_return within 10 bars of 1d" in capsys.readouterr().err
    set_alias(tmp_path, "early-ridge", "champion", 2)
    assert train(tmp_path, "--target", "triple-barrier", "--ridge.alpha", "100") == 0
    assert promote_main(["early-ridge", "--models", str(tmp_path), "--json"]) in {0, 1}
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    assert figures["champion"]["version"] == 2
    assert figures["candidate"]["rmse"] != figures["champion"]["rmse"]


@pytest.mark.parametrize("width", ["0", "-1", "x"])
def test_an_impossible_barrier_is_refused(
    tmp_path: Path, width: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, "--target", "triple-barrier", "--barrier", width) == 2
    assert f"barrier: was '{width}'" in capsys.readouterr().err
