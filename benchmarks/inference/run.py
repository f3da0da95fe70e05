"""ModelInfer beside Predict with the same features, and both by symbol, in a closed loop."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import ModelInferRequest

from benchmarks.common import h2load, models
from benchmarks.common.bars import histories, walks
from benchmarks.common.h2load import Request
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import (
    MODEL_INFER,
    PREDICT,
    Server,
    by_symbol,
    infer_features,
    serving,
    with_features,
)

IN_FLIGHT = (1, 32)

# So that every prediction is made, and none given again.
ANEW = {"TICKCAST_ANSWERS__KEPT": "0"}

# The server's processor time for a call, over that for a Predict.
MOST = 1.15

# Bytes before a message of gRPC, which count where the message is small.
_PREFIX = 5

PREDICT_FEATURES, INFER_FEATURES = "Predict, features", "ModelInfer, features"
PREDICT_SYMBOL, INFER_SYMBOL = "Predict, symbol", "ModelInfer, symbol"


def infer_symbol(symbol: str) -> bytes:
    """The features that the server has of a symbol."""
    request = ModelInferRequest(model_name=models.NAME)
    request.inputs.add(name="symbol", datatype="BYTES", shape=[1])
    text = symbol.encode()
    request.raw_input_contents.append(len(text).to_bytes(4, "little") + text)
    return request.SerializeToString()


def run(effort: Effort) -> Report:
    with serving(workers=effort.workers, variables=ANEW) as server:
        (walk,) = walks(1, 0)
        server.ingest(histories([walk]))
        calls = {
            PREDICT_FEATURES: (PREDICT, with_features(walk.symbol)),
            INFER_FEATURES: (MODEL_INFER, infer_features()),
            PREDICT_SYMBOL: (PREDICT, by_symbol(walk.symbol)),
            INFER_SYMBOL: (MODEL_INFER, infer_symbol(walk.symbol)),
        }
        sizes = {name: _PREFIX + len(server.call(*call)) for name, call in calls.items()}
        requests = {
            name: Request.grpc(server.address, method, message)
            for name, (method, message) in calls.items()
        }
        found = {count: _measure(server, requests, sizes, count, effort) for count in IN_FLIGHT}
    return _report(found)


@dataclass(frozen=True, kw_only=True)
class Round:
    """One kind of call in one round."""

    calls_per_second: float
    processor_microseconds: float
    """Of the server, for one call."""


def _measure(
    server: Server,
    requests: Mapping[str, Request],
    sizes: Mapping[str, int],
    in_flight: int,
    effort: Effort,
) -> dict[str, list[Round]]:
    def one_round(name: str) -> Round:
        before = server.running.processor_seconds()
        load = h2load.closed_loop(
            requests[name],
            in_flight=in_flight,
            seconds=effort.seconds,
            connections=effort.connections,
            answer_bytes=sizes[name],
        )
        used = server.running.processor_seconds() - before
        return Round(
            calls_per_second=load.calls_per_second,
            processor_microseconds=used / load.latency.count * 1e6,
        )

    for name in requests:
        one_round(name)
    return in_turn({name: partial(one_round, name) for name in requests}, effort.rounds)


def _report(found: Mapping[int, Mapping[str, list[Round]]]) -> Report:
    pairs = ((INFER_FEATURES, PREDICT_FEATURES), (INFER_SYMBOL, PREDICT_SYMBOL))
    return Report(
        benchmark="inference",
        tables=[
            Table(
                title="ModelInfer beside Predict (closed loop, h2load)",
                rows=[
                    {
                        "in flight": in_flight,
                        "call": ours,
                        "processor time over Predict": _costs(sides[ours], sides[theirs]),
                        "processor us": _median(sides[ours]),
                        "Predict's": _median(sides[theirs]),
                        "calls/s (best round)": max(one.calls_per_second for one in sides[ours]),
                        "Predict calls/s": max(one.calls_per_second for one in sides[theirs]),
                    }
                    for in_flight, sides in found.items()
                    for ours, theirs in pairs
                ],
            )
        ],
        targets=[
            Target(
                name="ModelInfer with features, 32 in flight: processor time over Predict",
                found=_costs(found[32][INFER_FEATURES], found[32][PREDICT_FEATURES]).median,
                at_most=MOST,
            )
        ],
    )


def _costs(ours: Sequence[Round], theirs: Sequence[Round]) -> Ratio:
    return Ratio.of(
        [one.processor_microseconds for one in ours],
        [one.processor_microseconds for one in theirs],
    )


def _median(rounds: Sequence[Round]) -> float:
    return statistics.median(one.processor_microseconds for one in rounds)


if __name__ == "__main__":
    sys.exit(main([run], "inference"))
