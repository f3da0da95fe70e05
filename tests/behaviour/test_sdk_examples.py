"""Every example in the SDK's docstrings does what it says, against a server as `make run` has."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import queue
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import tickcast
from tickcast import Client, EventStream
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import start_local

from tests.conftest import write_linear_package
from tests.sdk_bars import sdk_bars

MODULES = sorted({getattr(tickcast, name).__module__ for name in tickcast.__all__} - {"typing"})
EXAMPLES = [
    test
    for module in MODULES
    if module.startswith("tickcast.")
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    if test.examples
]

# What their users type, which needs no example beside those of the methods.
PLUMBING = {"target", "close", "positions"}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """A server with the model and the symbol that examples speak of."""
    folder = tmp_path_factory.mktemp("examples")
    write_linear_package(folder / "models", name="daily-ridge")
    async with start_local(folder) as app:
        bars = sdk_bars(random_walk_bars(100, symbol="AAPL"))
        with Client(app.address) as client:
            await asyncio.to_thread(client.ingest_bars, bars)
        yield app


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
async def test_the_example_does_what_it_says(server: App, example: doctest.DocTest) -> None:
    public = {name: getattr(tickcast, name) for name in tickcast.__all__}
    said: list[str] = []

    def run(client: Client) -> doctest.TestResults:
        example.globs = {**public, "UTC": UTC, "client": client, "datetime": datetime}
        example.globs["queue"] = queue
        runner = doctest.DocTestRunner()
        return runner.run(example, out=said.append)

    with Client(server.address) as client:
        results = await asyncio.to_thread(run, client)
    assert results.attempted
    assert not results.failed, "".join(said)


@pytest.mark.parametrize("kind", [Client, EventStream])
def test_every_method_that_is_asked_something_has_an_example(kind: type[Any]) -> None:
    methods = {name for name in vars(kind) if not name.startswith("_")} - PLUMBING
    shown = {name for name in methods if ">>>" in (inspect.getdoc(getattr(kind, name)) or "")}
    assert shown == methods
