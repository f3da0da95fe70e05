"""Fixtures that every test shares: a model, a repository, a running server, a channel to it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import write_tiny_package
from tickcast_server.app import App
from tickcast_server.testing import start_local

from tests.asking import Connect, asynchronous, blocking
from tests.recording_server import Recording, recording_server

# How long an example takes says something of the machine, and nothing of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# In the background of a shell Ctrl-C is ignored, also by the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def linear_onnx(weights: NDArray[np.float32]) -> bytes:
    """A model that answers with features @ weights."""
    node = onnx.helper.make_node("MatMul", ["features", "weights"], ["prediction"])
    graph = onnx.helper.make_graph(
        [node],
        "linear",
        [onnx.helper.make_tensor_value_info("features", 1, [None, len(weights)])],
        [onnx.helper.make_tensor_value_info("prediction", 1, [None, 1])],
        [onnx.numpy_helper.from_array(weights.reshape(-1, 1), "weights")],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9
    )
    return model.SerializeToString()


def write_linear_package(
    repository: Path, *, seed: int = 0, name: str = "tiny", alias: str | None = "champion"
) -> Path:
    weights = np.random.default_rng(seed).normal(0, 0.01, len(CORE.names)).astype(np.float32)
    data = linear_onnx(weights)
    session = ort.InferenceSession(data)

    def predict(features: NDArray[np.float32]) -> NDArray[np.float32]:
        (answer,) = session.run(None, {"features": features})
        return np.asarray(answer).reshape(-1)

    package = write_tiny_package(repository, onnx=data, predict=predict, name=name, alias=alias)
    return package.folder


AddPackage = Callable[..., Path]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The folder where the server of this test looks for models."""
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def add_package(repository: Path) -> AddPackage:
    """Writes a package of a small linear model; `seed` chooses its weights."""
    return partial(write_linear_package, repository)


@pytest.fixture
async def server(tmp_path: Path, add_package: AddPackage) -> AsyncIterator[App]:
    """A running server with one model, models/tiny."""
    add_package()
    async with start_local(tmp_path) as app:
        yield app


@pytest.fixture
async def channel(server: App) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server."""
    async with grpc.aio.insecure_channel(server.address) as opened:
        yield opened


@pytest.fixture(scope="module")
async def shared_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """A running server with one model, models/tiny, for the tests of a module that only read.

    Not for a whole session: while tests without a loop run, nothing would serve its store.
    """
    folder = tmp_path_factory.mktemp("shared")
    write_linear_package(folder / "models")
    async with start_local(folder) as app:
        yield app


@pytest.fixture(scope="module")
async def shared_channel(shared_server: App) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the shared server."""
    async with grpc.aio.insecure_channel(shared_server.address) as opened:
        yield opened


@pytest.fixture(params=[blocking, asynchronous])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Makes a client of the SDK of the one kind, then in another run of the other."""
    found: Connect = request.param
    return found


@pytest.fixture
async def recording() -> AsyncIterator[Recording]:
    """A server that answers nothing of use and remembers who asked."""
    async with recording_server() as found:
        yield found
