"""One symbol's predictions to a thousand subscribers, with and without one that stands still."""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass

from benchmarks.common.bars import Walk, histories, requests, walks
from benchmarks.common.collector import collector_off
from benchmarks.common.latency import Latency
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import INGEST_BARS, serving, subscription
from benchmarks.common.subscribers import Arrival, Subscribers, stalled, subscribed

STREAMS, CONNECTIONS = 1_000, 10
ALONE, BESIDE = "all read", "one stalled"

_MOST_BARS = 8_000
_BAR_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Fanned:
    """What became of the bars of one round; times in microseconds from sending the bar."""

    each: Latency
    """Of every message."""

    last: Latency
    """Of the last message of each bar."""

    messages_per_second: float


def run(effort: Effort) -> Report:
    with serving(workers=effort.workers) as server:
        (walk,) = walks(1, _MOST_BARS)
        server.ingest(histories([walk]))
        request = subscription([walk.symbol])
        with subscribed(
            server.address, request, streams=STREAMS, connections=CONNECTIONS
        ) as subscribers:

            def round_(*, with_stalled: bool) -> Fanned:
                reader = stalled(server.address, request) if with_stalled else nullcontext()
                with reader, collector_off():
                    return _fan_out(subscribers, walk, effort.seconds)

            _fan_out(subscribers, walk, effort.seconds / 2)
            found = in_turn(
                {
                    ALONE: lambda: round_(with_stalled=False),
                    BESIDE: lambda: round_(with_stalled=True),
                },
                effort.rounds,
            )
    return _report(found)


def _fan_out(subscribers: Subscribers, walk: Walk, seconds: float) -> Fanned:
    """One bar after the other, each sent when all have the one before."""
    block = subscribers.header_block(INGEST_BARS)
    each: list[float] = []
    last: list[float] = []
    begin = time.perf_counter()
    while time.perf_counter() < begin + seconds:
        sent = time.perf_counter()
        subscribers.call(block, requests(walk.take(), 1)[0])
        arrived: list[Arrival] = []

        def all_have_it(arrivals: list[Arrival], arrived: list[Arrival] = arrived) -> bool:
            arrived += arrivals
            return len(arrived) >= STREAMS

        subscribers.until(all_have_it, _BAR_SECONDS)
        times = [(item.at - sent) * 1e6 for item in arrived]
        each += times
        last.append(max(times))
    return Fanned(
        each=Latency.of(each),
        last=Latency.of(last),
        messages_per_second=len(each) / (time.perf_counter() - begin),
    )


def _report(found: dict[str, list[Fanned]]) -> Report:
    change = Ratio.of(
        [item.each.p99 for item in found[BESIDE]], [item.each.p99 for item in found[ALONE]]
    )
    return Report(
        benchmark="fanout",
        tables=[
            Table(
                title=f"One symbol to {STREAMS:,} streams on {CONNECTIONS} connections"
                " (us from sending the bar)",
                rows=[
                    {
                        "readers": name,
                        "bars": sum(item.last.count for item in rounds),
                        "messages/s": statistics.median(i.messages_per_second for i in rounds),
                        "message p50": statistics.median(item.each.p50 for item in rounds),
                        "message p99": statistics.median(item.each.p99 for item in rounds),
                        "last p50": statistics.median(item.last.p50 for item in rounds),
                        "last p99": statistics.median(item.last.p99 for item in rounds),
                    }
                    for name, rounds in found.items()
                ],
            ),
            Table(title="What one stalled reader does", rows=[{"p99 over p99 without": change}]),
        ],
        targets=[
            Target(
                name="one stalled subscriber: p99 of the others over that without it",
                found=change.median,
                at_most=1.2,
            )
        ],
    )


if __name__ == "__main__":
    sys.exit(main([run], "fanout"))
