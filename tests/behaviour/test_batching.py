"""Calls that wait for one model together are answered by one run of it, each by its own row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tickcast import AsyncClient, Features
from tickcast_modelkit.features import CORE
from tickcast_server.app import App
from tickcast_server.testing import start_local

from tests.conftest import AddPackage

WIDTH = len(CORE.names)
ROWS = np.random.default_rng(5).normal(0, 0.05, (8, WIDTH)).astype(np.float32)
WHEN = datetime(2024, 1, 1, tzinfo=UTC)
BATCHES = {"models": {"together": {"most": 8, "delay": 0.3}, "at-once": {"most": 8}}}


@pytest.fixture
async def server(tmp_path: Path, add_package: AddPackage) -> AsyncIterator[App]:
    """Three models with the same weights: one alone, and two whose calls are put together."""
    for name in ("alone", "together", "at-once"):
        add_package(name=name)
    async with start_local(tmp_path, batch=BATCHES) as app:
        yield app


@pytest.fixture
async def client(server: App) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.address) as opened:
        yield opened


async def ask(client: AsyncClient, model: str, row: np.ndarray) -> float:
    features = Features(values=row, as_of_time=WHEN, last_close=100.0)
    answer = await client.predict("AAPL", model=f"models/{model}", features=features)
    return answer.predicted_return


def runs(server: App, model: str) -> float:
    labels = {"model_version": f"models/{model}/versions/1"}
    name = "tickcast_inference_seconds_count"
    return server.metrics.registry.get_sample_value(name, labels) or 0.0


def predictions(server: App, model: str) -> float:
    labels = {"model_version": f"models/{model}/versions/1"}
    name = "tickcast_predictions_total"
    return server.metrics.registry.get_sample_value(name, labels) or 0.0


async def test_a_full_batch_is_one_run(server: App, client: AsyncClient) -> None:
    alone = [await ask(client, "alone", row) for row in ROWS]
    together = await asyncio.gather(*[ask(client, "together", row) for row in ROWS])
    assert together == pytest.approx(alone, rel=1e-6)
    assert runs(server, "alone") == len(ROWS)
    assert runs(server, "together") == 1
    assert predictions(server, "together") == len(ROWS)


async def test_a_batch_ends_when_its_first_call_has_waited_long_enough(
    server: App, client: AsyncClient
) -> None:
    found = await asyncio.gather(*[ask(client, "together", row) for row in ROWS[:3]])
    assert found == pytest.approx([await ask(client, "alone", row) for row in ROWS[:3]], rel=1e-6)
    assert runs(server, "together") == 1


async def test_without_a_delay_only_what_is_there_is_put_together(
    server: App, client: AsyncClient
) -> None:
    for row in ROWS:
        assert await ask(client, "at-once", row) == pytest.approx(await ask(client, "alone", row))
    assert runs(server, "at-once") == len(ROWS)


async def test_a_caller_that_leaves_takes_nothing_from_the_others(
    server: App, client: AsyncClient
) -> None:
    leaving = asyncio.create_task(ask(client, "together", ROWS[0]))
    await asyncio.sleep(0.1)
    staying = [asyncio.create_task(ask(client, "together", row)) for row in ROWS[1:3]]
    leaving.cancel()
    found = await asyncio.gather(*staying)
    assert found == pytest.approx([await ask(client, "alone", row) for row in ROWS[1:3]], rel=1e-6)
