"""Predict by symbol with 32 in flight, where one, two and four processes serve."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from tickcast_server.testing import free_address

from benchmarks.common import h2load
from benchmarks.common.bars import histories, walks
from benchmarks.common.h2load import Request
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Value
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import PREDICT, Server, by_symbol, serving

WORKERS = (1, 2, 4)
IN_FLIGHT = 32

_READY_SECONDS = 60
_HEARD_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One server in one round."""

    calls_per_second: float
    processor_microseconds: float
    """Of all its processes, for a call."""

    p99_microseconds: float


def run(effort: Effort) -> Report:
    (walk,) = walks(1, 0)
    message = by_symbol(walk.symbol)
    bars = histories([walk])
    with ExitStack() as stack:
        servers = {count: stack.enter_context(_serving(count)) for count in WORKERS}
        for server in servers.values():
            server.ingest(bars)
        # A worker that did not take the bars in hears of them within milliseconds.
        time.sleep(_HEARD_SECONDS)
        sides = {
            f"{count}": partial(_measure, server, message, effort.seconds)
            for count, server in servers.items()
        }
        for side in sides.values():
            side()
        found = in_turn(sides, effort.rounds)
    return Report(
        benchmark="workers",
        tables=[
            Table(
                title=f"Predict by symbol, {IN_FLIGHT} connections with a call each (h2load)",
                rows=[_row(name, found) for name in found],
            )
        ],
    )


@contextmanager
def _serving(count: int) -> Iterator[Server]:
    """A server, once all of its processes serve."""
    metrics = free_address()
    with serving(workers=count, variables={"TICKCAST_METRICS_ADDRESS": metrics}) as server:
        deadline = time.monotonic() + _READY_SECONDS
        while count > 1 and f"tickcast_workers_ready {count}.0" not in _page(metrics):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} workers were not ready in {_READY_SECONDS} s")
            time.sleep(0.1)
        yield server


def _page(metrics: str) -> str:
    page: bytes = urllib.request.urlopen(f"http://{metrics}/metrics").read()
    return page.decode()


def _measure(server: Server, message: bytes, seconds: float) -> Measured:
    size = len(server.call(PREDICT, message))
    before = server.running.processor_seconds()
    began = time.perf_counter()
    load = h2load.closed_loop(
        Request.grpc(server.address, PREDICT, message),
        in_flight=IN_FLIGHT,
        seconds=seconds,
        # The system hands connections to the processes, not calls.
        connections=IN_FLIGHT,
        answer_bytes=size,
    )
    calls = load.calls_per_second * (time.perf_counter() - began)
    spent = server.running.processor_seconds() - before
    return Measured(
        calls_per_second=load.calls_per_second,
        processor_microseconds=spent / calls * 1e6,
        p99_microseconds=load.latency.p99,
    )


def _row(name: str, found: Mapping[str, list[Measured]]) -> Mapping[str, Value]:
    ours, one = found[name], found["1"]
    return {
        "workers": name,
        "calls/s over one": Ratio.of(
            [item.calls_per_second for item in ours], [item.calls_per_second for item in one]
        ),
        "processor time of a call over one": Ratio.of(
            [item.processor_microseconds for item in ours],
            [item.processor_microseconds for item in one],
        ),
        "p99 over one": Ratio.of(
            [item.p99_microseconds for item in ours], [item.p99_microseconds for item in one]
        ),
        "calls/s (best round)": max(item.calls_per_second for item in ours),
    }


if __name__ == "__main__":
    sys.exit(main([run], "workers"))
