"""A real server for tests, in this process or as one of its own, on free ports."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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
async def start_process(
    folder: Path, address: str, errors: int | None = None, /, **variables: str
) -> AsyncIterator[Process]:
    """A server as a process, with its data and models under `folder`, ended at the end.

    It may not answer yet. What it says goes where the test's own output goes, or to `errors`, as
    for `stderr` of `asyncio.create_subprocess_exec`.
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
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=errors)
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


def metrics_page(address: str) -> str:
    """What Prometheus would read."""
    page: bytes = urllib.request.urlopen(f"http://{address}/metrics").read()
    return page.decode()


@dataclass(kw_only=True)
class Workers:
    """A server of several processes, as its log shows it."""

    process: Process
    """The one that keeps the others."""

    log: list[dict[str, Any]] = field(default_factory=list)
    """Every line so far."""

    @property
    def address(self) -> str:
        """Where all of them serve."""
        return str(self.said("serving")[-1]["address"])

    @property
    def metrics_address(self) -> str:
        """Where their metrics can be read."""
        return str(self.said("serving")[-1]["metrics_address"])

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that became ready, in that order. Some may have ended."""
        return [line["pid"] for line in self.said("a worker serves")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event."""
        return [line for line in self.log if line["event"] == event]

    async def ready(self, count: int) -> None:
        """Waits until so many workers have become ready since the start."""
        await eventually(lambda: len(self.pids) >= count, within=60)

    def metric(self, sample: str) -> float:
        """The value of one sample, such as `name{label="value"}`; 0 when there is none."""
        page = metrics_page(self.metrics_address).splitlines()
        lines = [line for line in page if line.startswith(f"{sample} ")]
        return float(lines[0].removeprefix(sample)) if lines else 0.0

    async def read(self) -> None:
        """Reads the log to its end."""
        if self.process.stderr is None:
            raise AssertionError("its log goes elsewhere")
        async for line in self.process.stderr:
            print(line.decode(), end="", file=sys.stderr)
            if line.startswith(b"{"):
                self.log.append(json.loads(line))


@asynccontextmanager
async def start_workers(folder: Path, count: int, /, **variables: str) -> AsyncIterator[Workers]:
    """A server of `count` processes on a free port, once all of them serve, ended at the end."""
    options = {
        "TICKCAST_WORKERS": str(count),
        "TICKCAST_METRICS_ADDRESS": "127.0.0.1:0",
        "TICKCAST_MODEL__POLL": "0.05",
        **variables,
    }
    async with start_process(folder, "127.0.0.1:0", PIPE, **options) as process:
        workers = Workers(process=process)
        reading = asyncio.create_task(workers.read())
        await eventually(
            lambda: bool(workers.said("serving")) or process.returncode is not None, within=60
        )
        yield workers
    await reading


def alive(process: int) -> bool:
    """Whether the process with this id runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


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
