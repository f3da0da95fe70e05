"""What the README tells a user to type works as typed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tickcast import AsyncClient
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import start_local

from tests.sdk_bars import sdk_bars

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PROGRAMS = Path(sys.executable).parent
ADDRESS = "localhost:50051"
HTTP_ADDRESS = "localhost:8080"

TRITON = ROOT / ".venv-triton" / "bin" / "python"
TRAINED_ELSEWHERE = """
from pathlib import Path
import numpy as np
import tritonclient.grpc
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X[:, 0] > 0)
client = tritonclient.grpc.InferenceServerClient("localhost:50051")
"""

AddPackage = Callable[..., Path]


def block(language: str, containing: str) -> str:
    """The one block of the README in a language that contains a text."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


@pytest.fixture
async def show(tmp_path: Path, add_package: AddPackage) -> AsyncIterator[App]:
    """A server with the model and the symbol that the README speaks of."""
    add_package(name="daily-ridge")
    series = random_walk_bars(100, symbol="AAPL")
    async with start_local(tmp_path, http_address="127.0.0.1:0") as app:
        async with AsyncClient(app.address) as client:
            await client.ingest_bars(sdk_bars(series))
        yield app


async def typed(*command: str, folder: Path | None = None) -> str:
    """What a program prints that must succeed, in this folder."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=os.environ | {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_the_python_example(show: App) -> None:
    # Another server may be running where the README says that it does.
    example = block("python", "from tickcast import Client").replace(ADDRESS, show.address)
    assert len(example.strip().splitlines()) <= 10
    out = await typed(sys.executable, "-W", "error", "-c", example)
    prediction, band, model = out.splitlines()
    assert re.fullmatch(r"AAPL [\d.]+ -> [\d.]+", prediction)
    assert re.fullmatch(r"80% within [\d.]+ to [\d.]+", band)
    assert model == "models/daily-ridge models/daily-ridge/versions/1"


async def test_the_examples_of_the_sdk(show: App) -> None:
    text = (ROOT / "clients/python/README.md").read_text()
    examples: list[str] = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    out = await typed(
        *(sys.executable, "-W", "error", "-c"),
        "".join(examples).replace(ADDRESS, show.address),
    )
    assert "SYMBOL_NOT_FOUND" in out
    assert "StreamStarted(" in out


@pytest.mark.skipif(not TRITON.exists(), reason="needs .venv-triton, which make test makes")
async def test_the_example_of_a_model_from_elsewhere(tmp_path: Path) -> None:
    data = tmp_path / ".tickcast"
    (data / "models" / "rising").mkdir(parents=True)
    example = block("python", "to_onnx")
    assert len(example.strip().splitlines()) == 5
    assert f'client = tritonclient.grpc.InferenceServerClient("{ADDRESS}")' in README
    async with start_local(data) as app:
        before = TRAINED_ELSEWHERE.replace(ADDRESS, app.address)
        out = await typed(str(TRITON), "-c", before + example, folder=tmp_path)
    (probabilities,) = re.findall(r"^ ?\[\[(.*)\]$", out, re.MULTILINE)
    assert sum(map(float, probabilities.split())) == pytest.approx(1)


async def test_the_grpcurl_example(show: App) -> None:
    example = block("", "grpcurl -plaintext -d").replace(ADDRESS, show.address)
    words = shlex.split(example.replace("\\\n", " "))
    answer = json.loads(await typed(*words))
    assert answer["prediction"]["symbol"] == "AAPL"


async def test_the_curl_example(show: App) -> None:
    example = block("", "curl --json").replace(HTTP_ADDRESS, show.http_address)
    # curl has had --json since 7.82, of 2022.
    example = example.replace("--json", "-sS -H 'content-type: application/json' -d")
    answer = json.loads(await typed(*shlex.split(example.replace("\\\n", " "))))
    assert answer["prediction"]["symbol"] == "AAPL"


async def test_grpcurl_lists_and_describes(show: App) -> None:
    assert f"grpcurl -plaintext {ADDRESS} list" in README
    listed = (await typed("grpcurl", "-plaintext", show.address, "list")).splitlines()
    for service in ("Prediction", "MarketData", "Feature", "Model"):
        assert f"tickcast.v1.{service}Service" in listed
    described = await typed(
        "grpcurl", "-plaintext", show.address, "describe", "tickcast.v1.PredictRequest"
    )
    assert "message PredictRequest" in described
