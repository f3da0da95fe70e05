"""Predict while a new version is swapped in again and again, and what that leaves in memory."""

from __future__ import annotations

import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
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
STEADY, RELOADING = "steady", "reloading"

_MIB = 2**20
# Versions are made beforehand, so that making them is not measured.
_RELOADS_A_SECOND = 20


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
            reloads: list[int] = []

            def reloading() -> Load:
                releases.prepare(round(_RELOADS_A_SECOND * effort.seconds) + 1)
                load, count = _while_reloading(server, releases, question, effort)
                reloads.append(count)
                return load

            found = in_turn(
                {
                    STEADY: lambda: _load(server, question, effort),
                    RELOADING: reloading,
                },
                effort.rounds,
            )
        finally:
            releases.close()
    return _report(found, reloads, after_few, after_many)


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
    server: Server, releases: Releases, question: bytes, effort: Effort
) -> tuple[Load, int]:
    count = 0
    with ThreadPoolExecutor(1) as executor:
        load = executor.submit(_load, server, question, effort)
        while not load.done() and count < _RELOADS_A_SECOND * effort.seconds:
            releases.publish()
            count += 1
        return load.result(), count


def _report(
    found: dict[str, list[Load]], reloads: list[int], after_few: int, after_many: int
) -> Report:
    ratio = Ratio.of(
        [load.latency.p99 for load in found[RELOADING]],
        [load.latency.p99 for load in found[STEADY]],
    )
    return Report(
        benchmark="reload",
        tables=[
            Table(
                title=f"Predict by symbol, {IN_FLIGHT} in flight",
                rows=[
                    {
                        "": name,
                        "calls/s": statistics.median(i.calls_per_second for i in loads),
                        "p50 us": statistics.median(item.latency.p50 for item in loads),
                        "p99 us": statistics.median(item.latency.p99 for item in loads),
                        "reloads a round": statistics.median(reloads) if name == RELOADING else 0,
                    }
                    for name, loads in found.items()
                ],
            ),
            Table(
                title="Reloads, each of a model of 300 trees with its last but one removed",
                rows=[
                    {
                        "p99 over steady": ratio,
                        f"MiB after {FEW}": after_few / _MIB,
                        f"MiB after {MANY}": after_many / _MIB,
                    }
                ],
            ),
        ],
        targets=[
            Target(
                name="Predict while reloading: p99 over steady", found=ratio.median, at_most=1.2
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
