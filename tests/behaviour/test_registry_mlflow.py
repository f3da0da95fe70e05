"""Through an MLflow registry: what a trainer registers answers on a server, whatever happens to it.

The registry is a real one, in the environment that `make test` makes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tickcast.v1 import (
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import PackagePath, list_versions, read_aliases
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import bar_messages, eventually, free_address, start_local
from tickcast_trainer.cli import main
from tickcast_trainer.promotion.cli import promote_main, rollback_main
from tickcast_trainer.promotion.decisions import read_decisions
from tickcast_trainer.registry.connect import connect
from tickcast_trainer.registry.errors import RegistryUnreachable
from tickcast_trainer.registry.mlflow import MLflow
from tickcast_trainer.registry.publish import RegisteredVersion
from tickcast_trainer.registry.rest import RestServer

PYTHON = Path(__file__).parents[2] / ".venv-mlflow" / "bin" / "python"
SERIES = random_walk_bars(80, symbol="AAPL")
DATASET = {
    "name": "bundled",
    "digest": "0" * 32,
    "source_type": "tickcast",
    "source": "{}",
    "schema": '{"mlflow_colspec": []}',
    "profile": '{"rows": 236}',
}

AddPackage = Callable[..., Path]

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="needs .venv-mlflow, which make test makes"
)


class MLflowServer:
    """A tracking server with its database and artifacts under a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = free_address()
        self.url = f"http://{self.address}"
        self.api = RestServer(url=self.url, authorization=None, timeout=30)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it answers."""
        database = f"sqlite:///{self.folder / 'mlflow.db'}"
        # What `mlflow server` hands to its worker, after half a minute of imports of its own.
        variables = {
            "_MLFLOW_SERVER_FILE_STORE": database,
            "_MLFLOW_SERVER_REGISTRY_STORE": database,
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self.folder / "artifacts"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        options = ["--threads", "2", "--no-control-socket", "--log-level", "warning"]
        self._process = subprocess.Popen(
            [str(PYTHON), "-m", "gunicorn", *options, "--bind", self.address, "mlflow.server:app"],
            env=os.environ | variables,
            cwd=self.folder,
            start_new_session=True,
        )
        self._await_answer()

    def kill(self) -> None:
        """Ends it with its worker, as a crash does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def artifact(self, version: RegisteredVersion, name: str) -> Path:
        """The file of a version, as the registry keeps it."""
        found = (self.folder / "artifacts").glob(f"*/{version.run}/artifacts/package/{name}")
        return next(iter(found))

    def _await_answer(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self.api.get("mlflow/experiments/get-by-name", experiment_name="Default")
            except RegistryUnreachable:
                assert time.monotonic() < deadline, "the MLflow server does not answer"
                time.sleep(0.05)
            else:
                return


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflowServer]:
    server = MLflowServer(tmp_path_factory.mktemp("mlflow"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


Publish = Callable[..., RegisteredVersion]


@pytest.fixture
def publish(registry: MLflowServer, add_package: AddPackage, repository: Path) -> Publish:
    """Registers the next version of a model, whose weights `seed` chooses."""

    def call(model: str, *, seed: int = 0, promote: bool = False) -> RegisteredVersion:
        folder = add_package(name=model, seed=seed)
        package = PackagePath(repository=repository, name=model, version=int(folder.name))
        at = connect(registry.url, experiment="daily", promote=promote, environ={})
        return at.publish(package, DATASET)

    return call


async def predict(app: App, model: str) -> str:
    """The name of the version that answers."""
    async with grpc.aio.insecure_channel(app.address) as channel:
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        bars = bar_messages(SERIES)
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=bars))
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = prediction_service_pb2.PredictRequest(model=model, symbol="AAPL")
        return (await stub.Predict(request)).prediction.model_version


async def is_serving(app: App, name: str) -> bool:
    async with grpc.aio.insecure_channel(app.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def following(registry: MLflowServer, tmp_path: Path, *references: str) -> dict[str, Any]:
    """Settings of a server with a folder of its own."""
    return {
        "models": tmp_path / "served",
        "registry_url": registry.url,
        "registry_models": references,
        "registry": {"poll": 0.05, "timeout": 5.0},
    }


def gauge(app: App, name: str, **labels: str) -> float | None:
    return app.metrics.registry.get_sample_value(name, labels)


def default_is(app: App, model: str, number: int) -> Callable[[], bool]:
    def check() -> bool:
        entry = app.models.catalogue.get(model)
        return entry is not None and entry.default == number

    return check


def test_a_run_says_how_the_model_was_made_and_how_good_it_was(
    registry: MLflowServer, publish: Publish, repository: Path
) -> None:
    version = publish("logged")
    run = registry.api.get("mlflow/runs/get", run_id=version.run)["run"]
    assert run["info"]["run_name"] == "logged"
    assert run["info"]["status"] == "FINISHED"
    metrics = {item["key"]: item["value"] for item in run["data"]["metrics"]}
    assert metrics["r2_vs_zero"] == 0.001
    assert metrics["zero/rmse"] == 0.02
    assert "zero/information_coefficient" not in metrics
    parameters = {item["key"]: item["value"] for item in run["data"]["params"]}
    assert parameters["ridge.alpha"] == "1.0"
    assert parameters["timeframe"] == "1d"
    tags = {item["key"]: item["value"] for item in run["data"]["tags"]}
    assert tags["tickcast.beats_baselines"] == "false"
    assert tags["tickcast.verdict"] == "Made for tests: no better than predicting zero."
    (logged,) = run["inputs"]["dataset_inputs"]
    assert logged["dataset"]["digest"] == DATASET["digest"]
    for name in ("model.onnx", "golden.npz", "manifest.json"):
        on_disk = repository / "logged" / "1" / name
        assert registry.artifact(version, name).read_bytes() == on_disk.read_bytes()


def test_aliases_move_as_in_the_folder(registry: MLflowServer, publish: Publish) -> None:
    expected: dict[str, str] = {}
    for promote, alias in ((False, "champion"), (False, "challenger"), (True, "champion")):
        version = publish("moved", promote=promote)
        expected[alias] = str(version.version)
        model = registry.api.get("mlflow/registered-models/get", name="moved")["registered_model"]
        assert {item["alias"]: item["version"] for item in model["aliases"]} == expected


def champion_of(registry: MLflowServer, model: str) -> int:
    answer = registry.api.get("mlflow/registered-models/alias", name=model, alias="champion")
    return int(answer["model_version"]["version"])


async def test_a_decision_moves_the_alias_of_the_registry_with_that_of_the_folder(
    registry: MLflowServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models, at = tmp_path / "models", ["--registry", "mlflow", "--registry-url", registry.url]

    def train(until: str, *arguments: str) -> int:
        what = ["--name", "decided", "--estimators", "ridge", "--folds", "2", "--no-leak-check"]
        where = ["--until", until, "--no-report", "--models", str(models)]
        return main([*what, *where, *arguments])

    # The first is in the folder alone, so that the two number differently from then on.
    assert await asyncio.to_thread(train, "2008-01-01") == 0
    assert await asyncio.to_thread(train, "2009-01-01", "--promote", *at) == 0
    assert await asyncio.to_thread(train, "2010-01-01", *at) == 0
    command = ["decided-ridge", "--models", str(models)]
    settings = following(registry, tmp_path, "decided-ridge@champion")
    async with start_local(tmp_path, **settings) as app:
        assert app.models.catalogue["decided-ridge"].default == 1
        assert await asyncio.to_thread(promote_main, [*command, "--force", *at]) == 0
        assert champion_of(registry, "decided-ridge") == 2
        assert read_aliases(models, "decided-ridge")["champion"] == 3
        await eventually(default_is(app, "decided-ridge", 2))
        # What was replaced last.
        assert await asyncio.to_thread(rollback_main, [*command, *at]) == 0
        await eventually(default_is(app, "decided-ridge", 1))
    assert read_aliases(models, "decided-ridge")["champion"] == 2
    capsys.readouterr()
    arguments = [*command, "--candidate", "1", "--force", *at]
    assert await asyncio.to_thread(promote_main, arguments) == 2
    assert "no version of decided-ridge was version 1 of the folder" in capsys.readouterr().err
    assert read_aliases(models, "decided-ridge")["champion"] == 2
    assert len(read_decisions(models, "decided-ridge")) == 2


def test_mlflow_itself_finds_the_package(
    registry: MLflowServer, publish: Publish, repository: Path, tmp_path: Path
) -> None:
    publish("stock")
    script = (
        "import sys, mlflow.artifacts; "
        "mlflow.artifacts.download_artifacts(sys.argv[1], dst_path=sys.argv[2])"
    )
    subprocess.run(
        [PYTHON, "-c", script, "models:/stock@champion", tmp_path / "got"],
        env=os.environ | {"MLFLOW_TRACKING_URI": registry.url},
        check=True,
        timeout=120,
    )
    for file in (repository / "stock" / "1").iterdir():
        assert (tmp_path / "got" / file.name).read_bytes() == file.read_bytes()


async def test_what_is_trained_answers_on_a_server_that_shares_no_folder(
    registry: MLflowServer, tmp_path: Path
) -> None:
    arguments = ["--name", "trained", "--estimators", "ridge", "--folds", "2", "--no-leak-check"]
    at = ["--models", str(tmp_path / "trained"), "--registry", "mlflow", "--registry-url"]
    assert await asyncio.to_thread(main, [*arguments, *at, registry.url]) == 0
    version = registry.api.get(
        "mlflow/registered-models/alias", name="trained-ridge", alias="champion"
    )["model_version"]
    run = registry.api.get("mlflow/runs/get", run_id=version["run_id"])["run"]
    metrics = {item["key"] for item in run["data"]["metrics"]}
    assert {"rmse", "zero/rmse", "rolling_mean/rmse", "last_return/rmse"} <= metrics
    (dataset,) = run["inputs"]["dataset_inputs"]
    assert dataset["dataset"]["name"] == "bundled"
    assert len(dataset["dataset"]["digest"]) == 32
    settings = following(registry, tmp_path, "trained-ridge@champion")
    async with start_local(tmp_path, **settings) as app:
        assert await predict(app, "models/trained-ridge") == "models/trained-ridge/versions/1"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:5000", ""])
def test_a_wrong_address_is_told_before_the_training(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    models = tmp_path / "models"
    at = ["--models", str(models), "--registry", "mlflow", "--registry-url", url]
    assert main(["--name", "daily", *at]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "registry" in said.err
    assert len(said.err.splitlines()) == 1
    assert not models.exists()


def test_an_address_without_a_registry_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--models", str(tmp_path / "models"), "--registry-url", "http://mlflow:5000"]
    assert main(["--name", "daily", *at]) == 2
    assert "needed mlflow together with registry_url" in capsys.readouterr().err


async def test_the_champion_answers_and_a_new_one_without_a_restart(
    registry: MLflowServer, publish: Publish, tmp_path: Path
) -> None:
    publish("followed")
    async with start_local(tmp_path, **following(registry, tmp_path, "followed@champion")) as app:
        assert await predict(app, "models/followed") == "models/followed/versions/1"
        assert await is_serving(app, "registry")
        assert await is_serving(app, "registry/followed@champion")

        await asyncio.to_thread(publish, "followed", seed=2)
        assert await predict(app, "models/followed") == "models/followed/versions/1"
        await asyncio.to_thread(publish, "followed", seed=3, promote=True)
        await eventually(default_is(app, "followed", 3))
        assert await predict(app, "models/followed") == "models/followed/versions/3"
        # The challenger was not asked for.
        assert list_versions(tmp_path / "served", "followed") == [1, 3]


async def test_a_version_that_is_named_stays_when_the_champion_moves(
    registry: MLflowServer, publish: Publish, tmp_path: Path
) -> None:
    publish("pinned")
    publish("pinned", seed=2, promote=True)
    async with start_local(tmp_path, **following(registry, tmp_path, "models:/pinned/1")) as app:
        assert await predict(app, "models/pinned") == "models/pinned/versions/1"
        assert list_versions(tmp_path / "served", "pinned") == [1]


async def test_a_version_has_the_number_of_the_registry(
    registry: MLflowServer, publish: Publish, repository: Path, tmp_path: Path
) -> None:
    publish("numbered")
    # Another trainer, whose folder begins with 1 again.
    shutil.rmtree(repository / "numbered")
    assert publish("numbered", seed=2, promote=True).version == 2
    async with start_local(tmp_path, **following(registry, tmp_path, "numbered@champion")) as app:
        assert await predict(app, "models/numbered") == "models/numbered/versions/2"
    registered, served = (
        Manifest.from_json((folder / "manifest.json").read_bytes())
        for folder in (repository / "numbered" / "1", tmp_path / "served" / "numbered" / "2")
    )
    assert (registered.version, served.version) == (1, 2)
    assert registered.onnx_sha256 == served.onnx_sha256


async def test_without_its_registry_a_server_goes_on_and_later_catches_up(
    registry: MLflowServer, publish: Publish, tmp_path: Path
) -> None:
    publish("away")
    settings = following(registry, tmp_path, "away@champion")

    def reachable(app: App) -> bool:
        return gauge(app, "tickcast_registry_reachable", registry=registry.url) == 1

    async with start_local(tmp_path, **settings) as app:
        assert await predict(app, "models/away") == "models/away/versions/1"
        await asyncio.to_thread(registry.kill)
        await eventually(lambda: not reachable(app))
        assert not await is_serving(app, "registry")
        for name in ("", "registry/away@champion", "models/away"):
            assert await is_serving(app, name)
        assert await predict(app, "models/away") == "models/away/versions/1"

    # So does a server that starts meanwhile.
    async with start_local(tmp_path, **settings) as app:
        assert await predict(app, "models/away") == "models/away/versions/1"
        assert not await is_serving(app, "registry")
        await asyncio.to_thread(registry.start)
        await eventually(lambda: reachable(app))
        await asyncio.to_thread(publish, "away", seed=2, promote=True)
        await eventually(default_is(app, "away", 2))
        assert await predict(app, "models/away") == "models/away/versions/2"
        assert await is_serving(app, "registry")


@pytest.mark.parametrize("name", ["model.onnx", "golden.npz", "manifest.json"])
async def test_a_damaged_file_is_refused_and_tried_again(
    registry: MLflowServer,
    publish: Publish,
    tmp_path: Path,
    name: str,
) -> None:
    model = "damaged-" + name.partition(".")[0]
    reference = f"{model}@champion"
    publish(model)
    async with start_local(tmp_path, **following(registry, tmp_path, reference)) as app:
        # The alias is moved once the file is damaged, as when a disk loses a bit.
        second = await asyncio.to_thread(publish, model, seed=2)
        file = registry.artifact(second, name)
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        await asyncio.to_thread(MLflow(registry.api).point, model, "champion", 2)

        present = "tickcast_registry_model_present"
        await eventually(lambda: gauge(app, present, reference=reference) == 0)
        assert not await is_serving(app, f"registry/{reference}")
        assert await is_serving(app, "registry")
        assert await predict(app, f"models/{model}") == f"models/{model}/versions/1"
        assert list_versions(tmp_path / "served", model) == [1]
        assert read_aliases(tmp_path / "served", model) == {"champion": 1}

        file.write_bytes(content)
        await eventually(default_is(app, model, 2))
        await eventually(lambda: gauge(app, present, reference=reference) == 1)
        assert await is_serving(app, f"registry/{reference}")
    # Nothing half-downloaded is left.
    assert [entry.name for entry in (tmp_path / "served").iterdir()] == [model]


async def test_a_folder_that_a_trainer_writes_to_is_left_alone(
    registry: MLflowServer, publish: Publish, add_package: AddPackage, tmp_path: Path
) -> None:
    publish("mixed")
    settings = following(registry, tmp_path, "mixed@champion") | {"models": tmp_path / "other"}
    shutil.copytree(add_package(name="spare", seed=9), tmp_path / "other" / "mixed" / "1")
    manifest = tmp_path / "other" / "mixed" / "1" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"name": "mixed"}))
    before = hashlib.sha256(manifest.read_bytes()).digest()
    async with start_local(tmp_path, **settings) as app:
        assert await predict(app, "models/mixed") == "models/mixed/versions/1"
        assert not await is_serving(app, "registry/mixed@champion")
    assert hashlib.sha256(manifest.read_bytes()).digest() == before


async def test_what_the_registry_does_not_have_leaves_the_others_answering(
    registry: MLflowServer, publish: Publish, tmp_path: Path
) -> None:
    publish("there")
    references = ("absent@champion", "there@nightly", "there@champion")
    async with start_local(tmp_path, **following(registry, tmp_path, *references)) as app:
        assert await predict(app, "models/there") == "models/there/versions/1"
        states = {name: await is_serving(app, f"registry/{name}") for name in references}
        assert list(states.values()) == [False, False, True]
        await asyncio.to_thread(MLflow(registry.api).point, "there", "nightly", 1)
        await eventually(lambda: "nightly" in app.models.catalogue["there"].aliases)
