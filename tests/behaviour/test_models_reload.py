"""A new version is picked up without a restart; a bad one leaves what was loaded answering."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tickcast.v1 import (
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    model_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import bar_messages, eventually

SERIES = random_walk_bars(80, symbol="AAPL")

AddPackage = Callable[..., Path]
Predict = Callable[..., Awaitable[str]]
"""Answers with the name of the version that answered."""


@pytest.fixture
async def predict(channel: grpc.aio.Channel) -> Predict:
    market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
    await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=bar_messages(SERIES)))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    async def call(model: str = "models/tiny") -> str:
        request = prediction_service_pb2.PredictRequest(model=model, symbol="AAPL")
        return (await stub.Predict(request)).prediction.model_version

    return call


def default_is(app: App, number: int) -> Callable[[], bool]:
    return lambda: app.models.catalogue["tiny"].default == number


def failed(app: App, number: int) -> Callable[[], bool]:
    def check() -> bool:
        version = app.models.catalogue["tiny"].versions.get(number)
        return version is not None and version.failure is not None

    return check


async def test_a_new_champion_answers_and_drops_no_request(
    server: App, predict: Predict, add_package: AddPackage
) -> None:
    answers: set[str] = set()
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            answers.add(await predict())

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(ask())
        for number in range(2, 8):
            add_package(seed=number)
            await eventually(default_is(server, number))
        done.set()
    assert "models/tiny/versions/7" in answers


async def test_versions_and_aliases_are_names(
    server: App, predict: Predict, add_package: AddPackage
) -> None:
    add_package(seed=2, alias="challenger")
    await eventually(lambda: 2 in server.models.catalogue["tiny"].versions)
    assert await predict() == "models/tiny/versions/1"
    for name in ("models/tiny/versions/2", "models/tiny/versions/challenger"):
        assert await predict(name) == "models/tiny/versions/2"


def cut_short(path: Path) -> None:
    model = path / "model.onnx"
    model.write_bytes(model.read_bytes()[:-10])


def empty_model(path: Path) -> None:
    (path / "model.onnx").write_bytes(b"")


def no_model(path: Path) -> None:
    (path / "model.onnx").unlink()


def edit(path: Path, **changes: object) -> None:
    manifest = path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))


def wrong_digest(path: Path) -> None:
    edit(path, onnx_sha256="0" * 64)


def unknown_key(path: Path) -> None:
    edit(path, surprise=1)


def newer_schema(path: Path) -> None:
    edit(path, schema_version=99)


def no_json(path: Path) -> None:
    (path / "manifest.json").write_text("{")


def no_golden(path: Path) -> None:
    (path / "golden.npz").unlink()


@pytest.mark.parametrize(
    "damage",
    [cut_short, empty_model, no_model, wrong_digest, unknown_key, newer_schema, no_json, no_golden],
)
async def test_a_damaged_version_leaves_the_one_before_answering(
    server: App,
    channel: grpc.aio.Channel,
    predict: Predict,
    add_package: AddPackage,
    repository: Path,
    tmp_path: Path,
    damage: Callable[[Path], None],
) -> None:
    # Damaged before it comes into sight of the server, like a copy that broke off.
    path = add_package(seed=2, name="spare")
    damage(path)
    edit_name(path)
    path.rename(repository / "tiny" / "2")
    (repository / "tiny" / "aliases.json").write_text('{"champion": 2}')
    await eventually(failed(server, 2))

    assert await predict() == "models/tiny/versions/1"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await predict("models/tiny/versions/2")
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION

    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    version = (
        await stub.GetModelVersion(
            model_service_pb2.GetModelVersionRequest(name="models/tiny/versions/2")
        )
    ).model_version
    assert version.state == model_pb2.MODEL_VERSION_STATE_FAILED
    assert version.failure.message

    health = health_pb2_grpc.HealthStub(channel)

    async def state(name: str) -> int:
        request = health_pb2.HealthCheckRequest(service=name)
        status: int = (await health.Check(request)).status
        return status

    assert await state("models/tiny/versions/2") == health_pb2.HealthCheckResponse.NOT_SERVING
    assert await state("models/tiny") == health_pb2.HealthCheckResponse.SERVING
    registry = server.metrics.registry
    label = {"model_version": "models/tiny/versions/2"}
    assert registry.get_sample_value("tickcast_model_version_failed", label) == 1


def edit_name(path: Path) -> None:
    try:
        edit(path, name="tiny", version=2)
    except ValueError:
        # A manifest that is no JSON has no name to edit.
        return


async def test_a_feature_set_that_cannot_be_computed_is_refused(
    server: App, predict: Predict, add_package: AddPackage, repository: Path
) -> None:
    path = add_package(seed=2, name="spare")
    edit(path, name="tiny", version=2, feature_set="core-000000000000")
    path.rename(repository / "tiny" / "2")
    await eventually(failed(server, 2))
    assert await predict() == "models/tiny/versions/1"
    failure = server.models.catalogue["tiny"].versions[2].failure
    assert failure is not None
    assert "core-000000000000" in failure


async def test_a_version_damaged_after_it_was_loaded_goes_on_answering(
    server: App, predict: Predict, repository: Path
) -> None:
    cut_short(repository / "tiny" / "1")
    await eventually(failed(server, 1))
    assert await predict() == "models/tiny/versions/1"


async def test_models_are_listed_with_what_their_packages_say(
    server: App, channel: grpc.aio.Channel, add_package: AddPackage
) -> None:
    add_package(seed=2, alias="challenger")
    await eventually(lambda: 2 in server.models.catalogue["tiny"].versions)
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    (model,) = (await stub.ListModels(model_service_pb2.ListModelsRequest())).models
    assert model.name == "models/tiny"
    assert model.default_version == "models/tiny/versions/1"
    assert model.newest_version == "models/tiny/versions/2"
    assert {alias.alias: alias.version for alias in model.aliases} == {
        "champion": "models/tiny/versions/1",
        "challenger": "models/tiny/versions/2",
    }
    listed = await stub.ListModelVersions(
        model_service_pb2.ListModelVersionsRequest(parent="models/tiny")
    )
    assert [version.name[-1] for version in listed.model_versions] == ["2", "1"]
    version = listed.model_versions[0]
    assert version.state == model_pb2.MODEL_VERSION_STATE_READY
    assert version.timeframe == "1d"
    assert version.interval_coverage == 0.8
    assert version.scores
    assert not version.beats_baselines


async def test_metrics_of_a_version_that_was_removed_go_with_it(
    server: App, channel: grpc.aio.Channel, repository: Path, add_package: AddPackage
) -> None:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    features = prediction_service_pb2.InlineFeatures(values=[0.0] * len(CORE.names))
    features.as_of_time.seconds = 1_700_000_000
    request = prediction_service_pb2.PredictRequest(
        model="models/tiny", symbol="A", features=features
    )

    def kept(version: int) -> list[str]:
        name = f"models/tiny/versions/{version}"
        return [
            sample.name
            for metric in server.metrics.registry.collect()
            for sample in metric.samples
            if sample.labels.get("model_version") == name
        ]

    await stub.Predict(request)
    assert kept(1)
    add_package()
    await eventually(lambda: "models/tiny/versions/2" in server.loaded_versions)
    shutil.rmtree(repository / "tiny" / "1")
    await eventually(lambda: not kept(1))
    await stub.Predict(request)
    assert kept(2)
    assert not kept(1)
