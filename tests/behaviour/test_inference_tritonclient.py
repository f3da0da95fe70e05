"""The stock client of the Open Inference Protocol, unchanged, in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tickcast import AsyncClient, Features
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import start_local

from tests.sdk_bars import sdk_bars

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-triton" / "bin" / "python"
PROGRAMS = ROOT / "tests" / "stock_client"
SERIES = random_walk_bars(80, symbol="AAPL")
WIDTH = len(CORE.names)

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="needs .venv-triton, which make test makes"
)

AddPackage = Callable[..., Path]


async def run(program: str, *arguments: str) -> str:
    """What a program prints that must succeed."""
    sources = [str(ROOT / member / "src") for member in ("server", "modelkit")]
    process = await asyncio.create_subprocess_exec(
        *(str(PYTHON), str(PROGRAMS / program), *arguments),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sources)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.fixture
async def predicted(server: App) -> dict[str, str]:
    """What Predict says of the symbol and of the features that the programs ask for."""
    async with AsyncClient(server.address) as client:
        await client.ingest_bars(sdk_bars(SERIES))
        by_symbol = await client.predict("AAPL", model="models/tiny")
        values = np.linspace(-1, 1, WIDTH, dtype=np.float32)
        features = Features(values=values.tolist(), as_of_time=by_symbol.as_of_time)
        given = await client.predict("AAPL", model="models/tiny", features=features)
    return {
        "symbol": by_symbol.predicted_return.hex(),
        "features": given.predicted_return.hex(),
        "as of": str(int(by_symbol.as_of_time.timestamp())),
    }


async def test_the_blocking_client_works_as_it_is(server: App, predicted: dict[str, str]) -> None:
    found: dict[str, Any] = json.loads(await run("blocking.py", server.address, str(WIDTH)))

    assert found["features"] == found["gzip"] == predicted["features"]
    assert found["symbol"] == predicted["symbol"]
    assert str(found["as of"]) == predicted["as of"]
    assert found["id"] == "7"

    assert found["ready"]
    assert not found["ready of none"]
    assert found["index"] == ["tiny"]
    assert "statistics" in found["extensions"]
    assert found["inputs"] == [["features", "FP32", [-1, WIDTH]]]
    assert found["config"] == [5_000, [[WIDTH]]]

    code, message = found["shape"]
    assert code == "StatusCode.INVALID_ARGUMENT"
    assert "'features'" in message
    assert f"was [1, {WIDTH - 1}], needed [-1, {WIDTH}]" in message
    assert "parameters.sequence_id: was 5" in found["sequence"][1]

    first, refused, last = found["stream"]
    assert first == ["a", predicted["features"]]
    assert "inputs[0].shape" in refused
    assert last == ["c", predicted["symbol"]]
    assert found["status of a stream"] == "StatusCode.INVALID_ARGUMENT"

    # Three calls and two messages of a stream; three were refused, and one more with a status.
    assert found["statistics"] == [5, 5, 4]
    assert found["unloaded"] == [["UNAVAILABLE", "unloaded"]]
    assert found["loaded again"]


async def test_the_asyncio_client_works_as_it_is(server: App, predicted: dict[str, str]) -> None:
    found = json.loads(await run("awaited.py", server.address, str(WIDTH)))
    assert found["features"] == predicted["features"]
    assert found["stream"] == [["a", predicted["features"]], ["b", predicted["features"]]]


@pytest.mark.parametrize("order", [("ours", "theirs"), ("theirs", "ours")])
async def test_its_messages_and_ours_live_in_one_process_and_are_the_same(
    order: tuple[str, str],
) -> None:
    await run("both_pools.py", *order)


async def test_graphs_that_users_exported_answer_as_their_models_do(tmp_path: Path) -> None:
    await run("foreign.py", "export", str(tmp_path))
    async with start_local(tmp_path) as app:
        await run("foreign.py", "ask", str(tmp_path), app.address)
