"""Predict while a new version is swapped in again and again, and what that leaves in memory."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.common import h2load
from benchmarks.common.bars import histories, walks
from benchmarks.common.h2load import Load, Request
from benchmarks.common.options import Effort, main
from benchmarks.common.releases import Releases
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import PREDICT, Server, by_symbol, serving

FEW, MANY = 10, 200
IN_FLIGHT = 8

# As often as the default settings look for new versions, and far more often than anybody has any.
OFTEN, VERY_OFTEN = 1, 20
STEADY = 0

_MIB = 2**20
_LEAST_SECONDS = 3.0


def run(effort: Effort) -> Report:
    with (
        serving(workers=effort.workers, variables={"TICKCAST_MODEL__POLL": "0.02"}) as server,
        tempfile.TemporaryDirectory() as staging,
    ):
        (walk,) = walks(1, 0)
        server.ingest(histories([walk]))
        question = by_symbol(walk.symbol)
        releases = Releases(server, Path(staging), question=question)
        try:
            after_few, after_many = _memory(server, releases)
            found = in_turn(
                {
                    str(rate): partial(_while_reloading, server, releases, question, effort, rate)
                    for rate in (STEADY, OFTEN, VERY_OFTEN)
                },
                effort.rounds,
            )
        finally:
            releases.close()
    return _report({int(rate): loads for rate, loads in found.items()}, after_few, after_many)


def _memory(server: Server, releases: Releases) -> tuple[int, int]:
    """Resident bytes after few reloads and after many."""
    releases.prepare(MANY)
    for _ in range(FEW):
        releases.publish()
    after_few = server.running.resident_bytes()
    for _ in range(MANY - FEW):
        releases.publish()
    return after_few, server.running.resident_bytes()


def _load(server: Server, question: bytes, effort: Effort) -> Load:
    return h2load.closed_loop(
        Request.grpc(server.address, PREDICT, question),
        in_flight=IN_FLIGHT,
        seconds=effort.seconds,
        connections=effort.connections,
    )


def _while_reloading(
    server: Server, releases: Releases, question: bytes, effort: Effort, rate: int
) -> Load:
    # A round must see some reloads.
    effort = replace(effort, seconds=max(effort.seconds, _LEAST_SECONDS))
    count = round(rate * effort.seconds)
    # Versions are made beforehand, so that making them is not measured.
    releases.prepare(count)
    with ThreadPoolExecutor(1) as executor:
        load = executor.submit(_load, server, question, effort)
        due = time.perf_counter()
        for _ in range(count):
            releases.publish()
            due += 1 / rate
            time.sleep(max(due - time.perf_counter(), 0.0))
        return load.result()


def _report(found: dict[int, list[Load]], after_few: int, after_many: int) -> Report:
    ratios = {
        rate: Ratio.of(
            [load.latency.p99 for load in loads], [load.latency.p99 for load in found[STEADY]]
        )
        for rate, loads in found.items()
    }
    return Report(
        benchmark="reload",
        tables=[
            Table(
                title=f"Predict by symbol, {IN_FLIGHT} in flight, while versions of 300 trees are "
                "swapped in, the last but one removed",
                rows=[
                    {
                        "reloads a second": rate,
                        "calls/s": statistics.median(i.calls_per_second for i in loads),
                        "p50 us": statistics.median(item.latency.p50 for item in loads),
                        "p99 us": statistics.median(item.latency.p99 for item in loads),
                        "p99.9 us": statistics.median(item.latency.p999 for item in loads),
                        "p99 over steady": ratios[rate],
                    }
                    for rate, loads in found.items()
                ],
            ),
            Table(
                title="Memory",
                rows=[
                    {
                        f"MiB after {FEW} reloads": after_few / _MIB,
                        f"MiB after {MANY}": after_many / _MIB,
                    }
                ],
            ),
        ],
        targets=[
            *(
                Target(
                    name=f"Predict while reloading, {rate} a second: p99 over steady",
                    found=ratios[rate].median,
                    at_most=1.2,
                )
                for rate in (OFTEN, VERY_OFTEN)
            ),
            Target(
                name=f"memory after {MANY} reloads over that after {FEW}",
                found=after_many / after_few,
                at_most=1.05,
            ),
        ],
    )


if __name__ == "__main__":
    sys.exit(main([run], "reload"))
