"""A real server for tests, in this process or as one of its own, on free ports."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from tickcast.v1 import bar_pb2
from tickcast_modelkit.bars import BarSeries

from tickcast_server.app import App
from tickcast_server.rpc import encode
from tickcast_server.settings import Settings
from tickcast_server.store.store import BarRow, SeriesKey


@asynccontextmanager
async def start_local(folder: Path, **settings: Any) -> AsyncIterator[App]:
    """A server with its data and models under `folder`, stopped at the end."""
    app = App(
        Settings(
            **{
                "address": "127.0.0.1:0",
                "metrics_address": "",
                "data": folder,
                "models": folder / "models",
                "model": {"poll": 0.05},
                "grace": 5.0,
                **settings,
            }
        )
    )
    try:
        await app.start()
        yield app
    finally:
        await app.stop()


def free_address() -> str:
    """An address of this machine that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def start_process(folder: Path, address: str, **variables: str) -> AsyncIterator[Process]:
    """A server as a process, with its data and models under `folder`, ended at the end.

    It may not answer yet. What it says goes where the test's own output goes.
    """
    environment = {
        **os.environ,
        "TICKCAST_ADDRESS": address,
        "TICKCAST_METRICS_ADDRESS": "",
        "TICKCAST_DATA": str(folder),
        "TICKCAST_MODELS": str(folder / "models"),
        **variables,
    }
    command = (sys.executable, "-m", "tickcast_server")
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        yield process
    finally:
        try:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(30):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def bar_messages(series: BarSeries, start: int = 0, stop: int | None = None) -> list[bar_pb2.Bar]:
    """The bars of a series as messages, those at `start` up to but not including `stop`."""
    key = SeriesKey(series.symbol, str(series.timeframe))
    return [
        encode.bar(
            key,
            BarRow(
                int(series.open_time[index]),
                int(series.close_time[index]),
                *series.ohlcv[index].tolist(),
            ),
        )
        for index in range(start, len(series) if stop is None else stop)
    ]


def detail(status: status_pb2.Status, kind: type[Message]) -> Any:
    """The one detail of this kind that a status carries."""
    name = kind.DESCRIPTOR.full_name
    (found,) = [item for item in status.details if item.TypeName() == name]
    message = kind()
    found.Unpack(message)
    return message


def reason(status: status_pb2.Status) -> str:
    """The reason of a status, from its ErrorInfo."""
    found: str = detail(status, error_details_pb2.ErrorInfo).reason
    return found


async def eventually(
    condition: Callable[[], bool], *, within: float = 10.0, every: float = 0.01
) -> None:
    """Returns as soon as `condition` holds. Raises `AssertionError` when it does not in time."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{condition} did not come true within {within} s")
        await asyncio.sleep(every)
