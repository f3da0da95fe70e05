"""A version becomes champion on evidence, and the server follows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tickcast import AsyncClient
from tickcast_modelkit.package import read_aliases
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import start_local
from tickcast_trainer.cli import main as train_main
from tickcast_trainer.promotion.cli import promote_main, rollback_main
from tickcast_trainer.promotion.decisions import read_decisions

from tests.sdk_bars import sdk_bars

MODEL = "daily-ridge"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a champion of 2009 and a challenger of 2010."""
    models = tmp_path_factory.mktemp("trained") / "models"
    for until in ("2009-03-01", "2010-03-01"):
        arguments = ["--name", "daily", "--estimators", "ridge", "--until", until]
        assert train_main([*arguments, "--models", str(models)]) == 0
    return models


@pytest.fixture
def models(trained: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "models"
    shutil.copytree(trained, copy)
    return copy


def promote(models: Path, *arguments: str) -> int:
    return promote_main([MODEL, "--models", str(models), *arguments])


def champion(models: Path) -> int:
    return read_aliases(models, MODEL)["champion"]


def test_a_better_version_is_promoted_and_taken_back(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert champion(models) == 1
    assert promote(models, "--json") == 0
    assert champion(models) == 2
    (decision,) = read_decisions(models, MODEL)
    assert json.loads(capsys.readouterr().out) == json.loads(decision.to_json())
    figures = decision.figures
    assert figures["candidate"]["rows"] == figures["champion"]["rows"] > 3_000
    assert figures["candidate"]["rmse"] <= figures["champion"]["rmse"]
    assert figures["window"]["start"] == "2010-02-27T00:00:00Z"
    assert all(check["passed"] for check in figures["checks"])

    assert rollback_main([MODEL, "--models", str(models), "--reason", "a feeling"]) == 0
    assert champion(models) == 1
    assert read_decisions(models, MODEL)[-1].reason == "a feeling"
    assert rollback_main([MODEL, "--models", str(models)]) == 2
    assert "needed a champion that an earlier, held one was replaced by" in capsys.readouterr().err


def test_a_gate_that_does_not_hold_moves_nothing_unless_it_is_forced(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "promote.toml"
    config.write_text("[gate]\np_value = 0.01\n")
    assert promote(models, "--config", str(config)) == 1
    assert champion(models) == 1
    assert "the gate does not hold: p_value: was" in capsys.readouterr().out.replace("\n", " ")
    assert promote(models, "--config", str(config), "--force") == 0
    assert champion(models) == 2
    refused, forced = read_decisions(models, MODEL)
    assert (refused.outcome, forced.outcome) == ("refused", "forced")
    assert "p_value" in forced.reason


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--candidate", "7"], "candidate: was '7', needed one of"),
        (["--candidate", "nobody"], "champion, challenger"),
        (["--candidate", "1"], "which is champion already"),
        (["--start", "2005-01-01"], "needed 2010-02-27T00:00:00Z or later"),
        (["--minimum-rows", "9999"], "needed 9999"),
        (["--end", "1999-01-01"], "bars: were none by the end"),
        (["--source", "nope"], "source: was 'nope'"),
        (["--gate.p-value", "2"], "gate.p_value: was '2'"),
        (["--config", "nope.toml"], "config: was nope.toml"),
        (["--nope"], "--nope"),
    ],
)
def test_bad_input_is_named_and_nothing_is_decided(
    models: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert promote(models, *arguments) == 2
    error = capsys.readouterr().err.replace("challenger, champion", "champion, challenger")
    assert said in error
    assert "Traceback" not in error
    assert champion(models) == 1
    assert read_decisions(models, MODEL) == []


async def test_a_server_follows_the_champion(models: Path, tmp_path: Path) -> None:
    series = random_walk_bars(80, symbol="AAPL")
    async with start_local(tmp_path) as app, AsyncClient(app.address) as client:
        await client.ingest_bars(sdk_bars(series))

        async def answering() -> str:
            return (await client.predict("AAPL", model=f"models/{MODEL}")).model_version

        assert await answering() == f"models/{MODEL}/versions/1"
        assert promote(models) == 0
        for _ in range(1_000):
            if await answering() == f"models/{MODEL}/versions/2":
                break
        assert await answering() == f"models/{MODEL}/versions/2"
