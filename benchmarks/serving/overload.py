"""Predict at a fixed rate: half of what the server can carry, twice, and half right after."""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks.common import h2load
from benchmarks.common.bars import histories, walks
from benchmarks.common.h2load import Request
from benchmarks.common.open_loop import Outcome, open_loop
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.server import PREDICT, Server, by_symbol, serving

# What a caller gives a call. A run is several times as long.
DEADLINE_SECONDS = 0.25

_LEAST_SECONDS = 2.0

HALF, TWICE, AFTER = "0.5", "2", "0.5 right after"

_SETTLE_SECONDS = 2.0


# Calls that a connection may have open: by default, and where latency counts more than streams.
MANY, FEW = 1_000, 100


def run(effort: Effort) -> Report:
    found = {}
    for calls in (MANY, FEW):
        settings = {"TICKCAST_CALLS_OF_CONNECTION": str(calls)}
        with serving(workers=effort.workers, variables=settings) as server:
            found[calls] = _measure(server, effort)
    return Report(
        benchmark="overload",
        tables=[_table(calls, *measured) for calls, measured in found.items()],
        targets=[
            target for calls, (measured, _) in found.items() for target in _targets(calls, measured)
        ],
    )


def _measure(server: Server, effort: Effort) -> tuple[dict[str, list[Outcome]], float]:
    (walk,) = walks(1, 0)
    server.ingest(histories([walk]))
    message = by_symbol(walk.symbol)
    sustainable = _sustainable(server, message, effort)

    def at(share: float) -> Outcome:
        return open_loop(
            server.address,
            PREDICT,
            message,
            rate=share * sustainable,
            seconds=max(effort.seconds, _LEAST_SECONDS),
            timeout=DEADLINE_SECONDS,
            connections=effort.connections,
        )

    at(0.5)
    found: dict[str, list[Outcome]] = {HALF: [], TWICE: [], AFTER: []}
    for _ in range(effort.rounds):
        # What the last round left behind shall not be taken for what half a load costs.
        time.sleep(_SETTLE_SECONDS)
        found[HALF].append(at(0.5))
        found[TWICE].append(at(2.0))
        found[AFTER].append(at(0.5))
    return found, sustainable


def _sustainable(server: Server, message: bytes, effort: Effort) -> float:
    """Calls a second of a closed loop of 32: the median of three."""
    rates = [
        h2load.closed_loop(
            Request.grpc(server.address, PREDICT, message),
            in_flight=32,
            seconds=effort.seconds,
            connections=effort.connections,
        ).calls_per_second
        for _ in range(3)
    ]
    return statistics.median(rates)


def _table(calls: int, found: dict[str, list[Outcome]], sustainable: float) -> Table:
    return Table(
        title=f"Predict at a fixed rate, {calls} calls a connection "
        "(latencies in us, from when calls were due)",
        rows=[
            _row(share, outcome, sustainable, number)
            for share, outcomes in found.items()
            for number, outcome in enumerate(outcomes, 1)
        ],
    )


def _targets(calls: int, found: dict[str, list[Outcome]]) -> list[Target]:
    p99 = {
        share: statistics.median(item.accepted.p99 for item in outcomes)
        for share, outcomes in found.items()
    }
    refused = [item.refused.p99 for item in found[TWICE] if item.refused.count]
    which = f"{calls} calls a connection, twice the sustainable rate"
    return [
        Target(
            name=f"{which}: p99 of accepted calls over that at half",
            found=p99[TWICE] / p99[HALF],
            at_most=5.0,
        ),
        Target(
            name=f"{which}: calls answered over what is sustainable",
            found=_answered(found[TWICE]) * 2.0,
            at_least=0.8,
        ),
        Target(
            name=f"{which}: p99 of refusals, ms",
            found=statistics.median(refused) / 1_000 if refused else 0.0,
            at_most=5.0,
        ),
        Target(
            name=f"{calls} calls a connection, half the rate right after: share answered",
            found=_answered(found[AFTER]),
            at_least=0.99,
        ),
    ]


def _answered(outcomes: list[Outcome]) -> float:
    return statistics.median(item.accepted.count / item.sent for item in outcomes)


def _row(
    share: str, outcome: Outcome, sustainable: float, number: int
) -> dict[str, float | int | str]:
    seconds = outcome.sent / (float(share.partition(" ")[0]) * sustainable)
    return {
        "rate over sustainable": share,
        "round": number,
        "sent/s": outcome.sent / seconds,
        "answered/s": outcome.accepted.count / seconds,
        "p50": outcome.accepted.p50,
        "p90": outcome.accepted.p90,
        "p99": outcome.accepted.p99,
        "p99.9": outcome.accepted.p999,
        "refused": outcome.refused.count,
        "refused p50": outcome.refused.p50,
        "refused p99": outcome.refused.p99,
        "unanswered": outcome.unanswered,
        "codes": " ".join(f"{code}: {count}" for code, count in outcome.refusals.items()),
    }


if __name__ == "__main__":
    sys.exit(main([run], "overload"))
