"""Predict in a closed loop, beside servers of the same library that do nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial

from benchmarks.common import h2load
from benchmarks.common.bars import histories, walks
from benchmarks.common.h2load import Load, Request
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target, Value
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import ECHO, PREDICT, by_symbol, ceiling, serving, with_features

BARE, SYMBOL, FEATURES = "echo", "by symbol", "features"
IN_FLIGHT = (1, 8, 32, 128)


def run(effort: Effort) -> Report:
    with serving(workers=effort.workers) as server:
        (walk,) = walks(1, 0)
        server.ingest(histories([walk]))
        held, given = by_symbol(walk.symbol), with_features(walk.symbol)
        answers = {SYMBOL: server.call(PREDICT, held), FEATURES: server.call(PREDICT, given)}
        with ceiling(answers[SYMBOL], workers=effort.workers) as (echo, _):
            requests = {
                BARE: Request.grpc(echo, ECHO, held),
                SYMBOL: Request.grpc(server.address, PREDICT, held),
                FEATURES: Request.grpc(server.address, PREDICT, given),
            }
            answers[BARE] = answers[SYMBOL]
            sizes = {name: len(answer) for name, answer in answers.items()}
            found = {count: _measure(requests, sizes, count, effort) for count in IN_FLIGHT}
    return _report(found)


def _measure(
    requests: Mapping[str, Request], sizes: Mapping[str, int], in_flight: int, effort: Effort
) -> dict[str, list[Load]]:
    def load(name: str) -> Load:
        return h2load.closed_loop(
            requests[name],
            in_flight=in_flight,
            seconds=effort.seconds,
            connections=effort.connections,
            answer_bytes=sizes[name],
        )

    for name in requests:
        load(name)
    return in_turn({name: partial(load, name) for name in requests}, effort.rounds)


def _report(found: Mapping[int, Mapping[str, list[Load]]]) -> Report:
    rows = [
        row
        for in_flight, sides in found.items()
        for name in (SYMBOL, FEATURES)
        for row in _rows(in_flight, name, sides)
    ]
    at_32 = found[32]
    return Report(
        benchmark="predict",
        tables=[Table(title="Predict beside an echo of bytes (closed loop, h2load)", rows=rows)],
        targets=[
            Target(
                name="Predict by symbol, 32 in flight: calls a second over echo",
                found=_rates(at_32, SYMBOL).median,
                at_least=0.85,
            ),
            Target(
                name="Predict by symbol, 32 in flight: p50 over echo",
                found=_medians(at_32, SYMBOL).median,
                at_most=1.25,
            ),
            Target(
                name="Predict from features, 32 in flight: calls a second over echo",
                found=_rates(at_32, FEATURES).median,
                at_least=0.70,
            ),
        ],
    )


def _rows(in_flight: int, name: str, sides: Mapping[str, list[Load]]) -> list[Mapping[str, Value]]:
    best = max(sides[name], key=lambda load: load.calls_per_second)
    return [
        {
            "in flight": in_flight,
            "input": name,
            "calls/s over echo": _rates(sides, name),
            "p50 over echo": _medians(sides, name),
            "calls/s (best round)": best.calls_per_second,
            "p50 us": best.latency.p50,
            "p99 us": best.latency.p99,
            "echo calls/s": max(load.calls_per_second for load in sides[BARE]),
        }
    ]


def _rates(sides: Mapping[str, list[Load]], name: str) -> Ratio:
    return Ratio.of(
        [load.calls_per_second for load in sides[name]],
        [load.calls_per_second for load in sides[BARE]],
    )


def _medians(sides: Mapping[str, list[Load]], name: str) -> Ratio:
    return Ratio.of(
        [load.latency.p50 for load in sides[name]], [load.latency.p50 for load in sides[BARE]]
    )


if __name__ == "__main__":
    sys.exit(main([run], "predict"))
