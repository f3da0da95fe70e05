"""Two ways to serve or to ask, in turn, round after round: what one costs beside the other.

    make bench BENCH=paired ARGS=timing

What counts are ratios: both sides of a round met the same machine. On a machine with other work
the processor time of the server for a call says more than the calls in a second do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.table import Table
from tickcast.v1.prediction_service_pb2 import (
    BatchPredictItem,
    BatchPredictRequest,
    InlineFeatures,
    PredictRequest,
)

from benchmarks.common import h2load, models
from benchmarks.common.bars import histories, walks
from benchmarks.common.h2load import Request
from benchmarks.common.rounds import in_turn
from benchmarks.common.server import (
    BATCH_PREDICT,
    PREDICT,
    Server,
    by_symbol,
    features,
    serving,
    with_features,
)

SYMBOL = "S00000"
VECTORS = 200

# So that every prediction is made, and none given again.
ANEW = {"TICKCAST_ANSWERS__KEPT": "0"}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One way: a server's settings, and what it is asked."""

    name: str
    request: bytes
    method: str = PREDICT
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What is compared: `new` beside `old`."""

    old: Side
    new: Side


def timing() -> Pair:
    off = ANEW | {"TICKCAST_METRICS__STAGES": "0"}
    return Pair(
        old=Side(name="off", request=by_symbol(SYMBOL), variables=off),
        new=Side(name="on", request=by_symbol(SYMBOL), variables=ANEW),
    )


def answers() -> Pair:
    return Pair(
        old=Side(name="anew", request=by_symbol(SYMBOL), variables=ANEW),
        new=Side(name="reused", request=by_symbol(SYMBOL)),
    )


def packed() -> Pair:
    plain = PredictRequest(model=models.MODEL, symbol=SYMBOL, features=unpacked(features()[0]))
    return Pair(
        old=Side(name="values", request=plain.SerializeToString()),
        new=Side(name="packed", request=with_features(SYMBOL)),
    )


def packed_batch() -> Pair:
    given = features(VECTORS)
    return Pair(
        old=Side(name="values", request=batch(list(map(unpacked, given))), method=BATCH_PREDICT),
        new=Side(name="packed", request=batch(given), method=BATCH_PREDICT),
    )


def unpacked(given: InlineFeatures) -> InlineFeatures:
    """The same vector as numbers."""
    plain = InlineFeatures(last_close=given.last_close, as_of_time=given.as_of_time)
    plain.values.extend(models.feature_rows(1)[0].tolist())
    return plain


def batch(vectors: list[InlineFeatures]) -> bytes:
    """A BatchPredict of these vectors."""
    items = [BatchPredictItem(symbol=SYMBOL, features=one) for one in vectors]
    return BatchPredictRequest(model=models.MODEL, items=items).SerializeToString()


PAIRS: Mapping[str, Callable[[], Pair]] = {
    "timing": timing,
    "answers": answers,
    "packed": packed,
    "packed-batch": packed_batch,
}


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one server did in one round."""

    calls_per_second: float
    processor_microseconds: float
    """Of the server, for one call."""


@contextmanager
def filled(side: Side) -> Iterator[Server]:
    """A server of this side, with bars."""
    with serving(variables=side.variables) as server:
        server.ingest(histories(walks(1, 0)))
        yield server


def one_round(server: Server, side: Side, in_flight: int, seconds: float) -> Round:
    before = server.running.processor_seconds()
    load = h2load.closed_loop(
        Request.grpc(server.address, side.method, side.request),
        in_flight=in_flight,
        seconds=seconds,
    )
    used = server.running.processor_seconds() - before
    return Round(
        calls_per_second=load.calls_per_second,
        processor_microseconds=used / load.latency.count * 1e6,
    )


def speed(old: list[Round], new: list[Round]) -> float:
    """Calls that the new side answered, over those of the old one: median of the rounds."""
    pairs = zip(old, new, strict=True)
    return statistics.median(b.calls_per_second / a.calls_per_second for a, b in pairs)


def cost(old: list[Round], new: list[Round]) -> float:
    """Processor time of the new side for a call, over that of the old one: means of the rounds."""
    old_mean = statistics.fmean(item.processor_microseconds for item in old)
    return statistics.fmean(item.processor_microseconds for item in new) / old_mean


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pair", choices=PAIRS)
    # Two processes of the same code differ by some percent all their lives.
    parser.add_argument("--servers", type=int, default=6, help="pairs of servers, one by one")
    parser.add_argument("--rounds", type=int, default=8, help="with each pair")
    parser.add_argument("--seconds", type=float, default=0.4, help="of each measurement")
    options = parser.parse_args()
    h2load.check_installed()
    pair = PAIRS[options.pair]()
    found: dict[int, list[dict[str, list[Round]]]] = {1: [], 32: []}
    for _ in range(options.servers):
        with filled(pair.old) as old, filled(pair.new) as new:
            for in_flight, pairs in found.items():
                sides = {
                    "old": partial(one_round, old, pair.old, in_flight, options.seconds),
                    "new": partial(one_round, new, pair.new, in_flight, options.seconds),
                }
                pairs.append(in_turn(sides, options.rounds))
    Console().print(table(f"{pair.new.name} / {pair.old.name}", found))
    return 0


def table(name: str, found: Mapping[int, list[dict[str, list[Round]]]]) -> Table:
    """Ratios by calls in flight, over all pairs of servers and of each."""
    shown = Table("in flight", f"{name}: calls", f"{name}: processor", "of each pair of servers")
    for in_flight, pairs in found.items():
        old = [item for rounds in pairs for item in rounds["old"]]
        new = [item for rounds in pairs for item in rounds["new"]]
        each = " ".join(f"{cost(rounds['old'], rounds['new']):.2f}" for rounds in pairs)
        shown.add_row(f"{in_flight}", f"{speed(old, new):.3f}", f"{cost(old, new):.3f}", each)
    return shown


if __name__ == "__main__":
    sys.exit(main())
