"""Closed-loop throughput and latency of Predict, beside a server that echoes bytes."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc
from rich.console import Console
from rich.table import Table
from tickcast.v1 import market_data_service_pb2, market_data_service_pb2_grpc
from tickcast.v1.prediction_service_pb2 import PredictRequest
from tickcast_server.testing import bar_messages
from tickcast_trainer.sources import bundled

HERE = Path(__file__).parent
PREDICT = "/tickcast.v1.PredictionService/Predict"
ECHO = "/bench.Echo/Echo"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One round against one server."""

    server: str
    in_flight: int
    calls_per_second: float
    p50_microseconds: float
    p99_microseconds: float


def free_address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def started(*command: str, **variables: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *command], env={**os.environ, **variables}, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def train(folder: Path) -> Path:
    """Models of bundled bars; returns their repository."""
    models = folder / "models"
    subprocess.run(
        [
            *(sys.executable, "-m", "tickcast_trainer.cli", "--name", "bench"),
            *("--source", "bundled", "--models", str(models)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return models


async def load(
    address: str, method: str, data: bytes, in_flight: int, seconds: float
) -> list[float]:
    """Latencies in seconds of calls made one after the other by each of `in_flight` callers."""
    latencies: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        await call(data, wait_for_ready=True)
        end = time.perf_counter() + seconds

        async def caller() -> None:
            while (begin := time.perf_counter()) < end:
                await call(data)
                latencies.append(time.perf_counter() - begin)

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(caller())
    return latencies


async def fill(address: str) -> None:
    """Sends the last year and what comes before it of one symbol."""
    series = bundled.open("")[0]
    async with grpc.aio.insecure_channel(address) as channel:
        stub = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        bars = bar_messages(series.tail(600))
        request = market_data_service_pb2.IngestBarsRequest(bars=bars)
        await stub.IngestBars(request, wait_for_ready=True, timeout=30)


def measure(
    targets: dict[str, tuple[str, str, bytes]], rounds: int, seconds: float
) -> list[Figures]:
    found = []
    for _ in range(rounds):
        for in_flight in (1, 32):
            for name, (address, method, data) in targets.items():
                latencies = sorted(asyncio.run(load(address, method, data, in_flight, seconds)))
                found.append(
                    Figures(
                        server=name,
                        in_flight=in_flight,
                        calls_per_second=len(latencies) / seconds,
                        p50_microseconds=statistics.median(latencies) * 1e6,
                        p99_microseconds=latencies[int(len(latencies) * 0.99)] * 1e6,
                    )
                )
    return found


def median(figures: list[Figures], server: str, in_flight: int, column: str) -> float:
    return statistics.median(
        float(getattr(item, column))
        for item in figures
        if item.server == server and item.in_flight == in_flight
    )


def show(figures: list[Figures]) -> None:
    table = Table("in flight", "figure", "echo", "Predict", "Predict / echo")
    for in_flight in (1, 32):
        for column in ("calls_per_second", "p50_microseconds", "p99_microseconds"):
            echo = median(figures, "echo", in_flight, column)
            ours = median(figures, "predict", in_flight, column)
            label = column.replace("_", " ")
            table.add_row(
                f"{in_flight}", label, f"{echo:,.0f}", f"{ours:,.0f}", f"{ours / echo:.2f}"
            )
    Console().print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--json", type=Path, help="write every round here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ours, echo = free_address(), free_address()
        models = train(Path(folder))
        stack.enter_context(
            started(
                *("-m", "tickcast_server"),
                TICKCAST_ADDRESS=ours,
                TICKCAST_METRICS_ADDRESS="",
                TICKCAST_DATA=folder,
                TICKCAST_MODELS=str(models),
            )
        )
        stack.enter_context(started(str(HERE / "echo.py"), echo))
        asyncio.run(fill(ours))
        request = PredictRequest(model="models/bench-xgboost", symbol="AAPL").SerializeToString()
        targets = {"echo": (echo, ECHO, request), "predict": (ours, PREDICT, request)}
        figures = measure(targets, options.rounds, options.seconds)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps([asdict(item) for item in figures], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
