"""Ten thousand streams that wait: what they hold, and what they cost those who send bars."""

from __future__ import annotations

import sys
import time

from benchmarks.common.bars import Walk, histories, requests, walks
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.server import Server, serving, subscription
from benchmarks.common.subscribers import subscribed

STREAMS, CONNECTIONS = 10_000, 10
BATCH = 100

_SYMBOLS = 200
_MIB = 2**20


def run(effort: Effort) -> Report:
    # All of them come from this host, over few connections.
    of_connection = STREAMS // CONNECTIONS
    many = {
        "TICKCAST_STREAM__MOST_OF_CLIENT": str(STREAMS),
        "TICKCAST_STREAM__MOST_OF_CONNECTION": str(of_connection),
        "TICKCAST_CALLS_OF_CONNECTION": str(of_connection + 1),
    }
    with serving(workers=effort.workers, variables=many) as server:
        series = walks(_SYMBOLS, 2_000)
        quiet, busy = series[0], series[1:]
        server.ingest(histories(series))
        _rate(server, busy, effort.seconds / 2)
        before = server.running.resident_bytes()
        free = [_rate(server, busy, effort.seconds)]
        begin = time.perf_counter()
        with subscribed(
            server.address,
            subscription([quiet.symbol]),
            streams=STREAMS,
            connections=CONNECTIONS,
        ):
            opened = time.perf_counter() - begin
            resident = server.running.resident_bytes()
            beside = [_rate(server, busy, effort.seconds) for _ in range(2)]
        # The server has to see that the streams are gone.
        time.sleep(1.0)
        free.append(_rate(server, busy, effort.seconds))
    share = sum(beside) / sum(free)
    return Report(
        benchmark="idle_streams",
        tables=[
            Table(
                title=f"{STREAMS:,} idle streams of one symbol on {CONNECTIONS} connections;"
                f" bars of others in requests of {BATCH}",
                rows=[
                    {
                        "seconds to open": opened,
                        "server MiB": resident / _MIB,
                        "MiB without": before / _MIB,
                        "KiB a stream": (resident - before) / STREAMS / 1_024,
                        "bars/s beside": sum(beside) / 2,
                        "bars/s without": sum(free) / 2,
                        "share": share,
                    }
                ],
            )
        ],
        targets=[
            Target(
                name=f"{STREAMS:,} idle streams: memory of the server, MiB",
                found=resident / _MIB,
                at_most=1_024.0,
            ),
            Target(
                name=f"{STREAMS:,} idle streams: bars a second over those without",
                found=share,
                at_least=0.5,
            ),
        ],
    )


def _rate(server: Server, series: list[Walk], seconds: float) -> float:
    """Bars a second of one sender."""
    bars, begin, turn = 0, time.perf_counter(), 0
    while time.perf_counter() < begin + seconds:
        chosen = [series[(turn + i) % len(series)] for i in range(BATCH)]
        turn += BATCH
        server.ingest(requests([bar for walk in chosen for bar in walk.take()], BATCH))
        bars += BATCH
    return bars / (time.perf_counter() - begin)


if __name__ == "__main__":
    sys.exit(main([run], "idle_streams"))
