"""Two ways to serve or to ask, in turn, round after round: what one costs beside the other.

    python -m benchmarks.predict.paired timing

What counts are ratios: both sides of a round met the same machine. On a machine with other work
the processor time of the server for a call says more than the calls in a second do.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from tickcast.v1.prediction_service_pb2 import (
    BatchPredictItem,
    BatchPredictRequest,
    InlineFeatures,
    PredictRequest,
)
from tickcast_modelkit.features import CORE

from benchmarks.predict.run import PREDICT, fill, free_address, load, started, train

BATCH_PREDICT = "/tickcast.v1.PredictionService/BatchPredict"

# So that every prediction is made, and none given again.
ANEW = {"TICKCAST_ANSWERS__KEPT": "0"}

_PROCESSOR = "process_cpu_seconds_total "


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


def by_symbol() -> bytes:
    return PredictRequest(model="models/bench-xgboost", symbol="AAPL").SerializeToString()


def timing() -> Pair:
    return Pair(
        old=Side(
            name="off", request=by_symbol(), variables=ANEW | {"TICKCAST_METRICS__STAGES": "0"}
        ),
        new=Side(name="on", request=by_symbol(), variables=ANEW),
    )


def answers() -> Pair:
    return Pair(
        old=Side(name="anew", request=by_symbol(), variables=ANEW),
        new=Side(name="reused", request=by_symbol()),
    )


def features(*, packed: bool) -> InlineFeatures:
    values = np.linspace(-1, 1, len(CORE.names), dtype="<f4")
    given = InlineFeatures(packed_values=values.tobytes()) if packed else InlineFeatures()
    if not packed:
        given.values.extend(values.tolist())
    given.as_of_time.seconds = 86_400
    return given


def one_vector(*, packed: bool) -> bytes:
    return PredictRequest(
        model="models/bench-xgboost", symbol="AAPL", features=features(packed=packed)
    ).SerializeToString()


def many_vectors(*, packed: bool) -> bytes:
    item = BatchPredictItem(symbol="AAPL", features=features(packed=packed))
    return BatchPredictRequest(model="models/bench-xgboost", items=[item] * 200).SerializeToString()


def packed() -> Pair:
    return Pair(
        old=Side(name="values", request=one_vector(packed=False)),
        new=Side(name="packed", request=one_vector(packed=True)),
    )


def packed_batch() -> Pair:
    return Pair(
        old=Side(name="values", request=many_vectors(packed=False), method=BATCH_PREDICT),
        new=Side(name="packed", request=many_vectors(packed=True), method=BATCH_PREDICT),
    )


PAIRS: Mapping[str, Callable[[], Pair]] = {
    "timing": timing,
    "answers": answers,
    "packed": packed,
    "packed-batch": packed_batch,
}


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where a server of one side is."""

    side: Side
    address: str
    metrics: str

    def processor_seconds(self) -> float:
        """What the server has used up so far."""
        page = urllib.request.urlopen(f"http://{self.metrics}/metrics").read().decode()
        (line,) = (item for item in page.splitlines() if item.startswith(_PROCESSOR))
        return float(line.removeprefix(_PROCESSOR))


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one server did in one round."""

    calls: int
    processor_seconds: float


@contextmanager
def serving(models: Path, side: Side) -> Iterator[Server]:
    """A server of this side, with bars."""
    address, metrics = free_address(), free_address()
    with (
        tempfile.TemporaryDirectory() as data,
        started(
            *("-m", "tickcast_server"),
            TICKCAST_ADDRESS=address,
            TICKCAST_METRICS_ADDRESS=metrics,
            TICKCAST_DATA=data,
            TICKCAST_MODELS=str(models),
            **side.variables,
        ),
    ):
        asyncio.run(fill(address))
        yield Server(side=side, address=address, metrics=metrics)


def one_round(server: Server, in_flight: int, seconds: float) -> Round:
    before = server.processor_seconds()
    calls = asyncio.run(
        load(server.address, server.side.method, server.side.request, in_flight, seconds)
    )
    return Round(calls=len(calls), processor_seconds=server.processor_seconds() - before)


def measure(
    old: Server, new: Server, *, in_flight: int, rounds: int, seconds: float
) -> list[tuple[Round, Round]]:
    """Rounds of the old side and the new one; whoever goes first is not always the same."""
    found = []
    for number in range(rounds):
        if number % 2:
            one = one_round(old, in_flight, seconds)
            found.append((one, one_round(new, in_flight, seconds)))
        else:
            one = one_round(new, in_flight, seconds)
            found.append((one_round(old, in_flight, seconds), one))
    return found


def speed(rounds: list[tuple[Round, Round]]) -> float:
    """Calls that the new side answered, over those of the old one: median of the rounds."""
    return statistics.median(new.calls / old.calls for old, new in rounds)


def cost(rounds: list[tuple[Round, Round]]) -> float:
    """Processor time of the new side for a call, over that of the old one: of all rounds."""
    old, new = zip(*rounds, strict=True)
    return _cost_of_a_call(new) / _cost_of_a_call(old)


def _cost_of_a_call(rounds: tuple[Round, ...]) -> float:
    return sum(item.processor_seconds for item in rounds) / sum(item.calls for item in rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pair", choices=PAIRS)
    # Two processes of the same code differ by some percent all their lives.
    parser.add_argument("--servers", type=int, default=6, help="pairs of servers, one by one")
    parser.add_argument("--rounds", type=int, default=8, help="with each pair")
    parser.add_argument("--seconds", type=float, default=0.4, help="of each measurement")
    options = parser.parse_args()
    pair = PAIRS[options.pair]()
    name = f"{pair.new.name} / {pair.old.name}"
    table = Table("in flight", f"{name}: calls", f"{name}: processor", "of each pair of servers")
    found: dict[int, list[list[tuple[Round, Round]]]] = {1: [], 32: []}
    with tempfile.TemporaryDirectory() as folder:
        models = train(Path(folder))
        for _ in range(options.servers):
            with serving(models, pair.old) as old, serving(models, pair.new) as new:
                for in_flight, all_rounds in found.items():
                    all_rounds.append(
                        measure(
                            old,
                            new,
                            in_flight=in_flight,
                            rounds=options.rounds,
                            seconds=options.seconds,
                        )
                    )
    for in_flight, each in found.items():
        rounds = [pair for rounds in each for pair in rounds]
        spread = " ".join(f"{cost(rounds):.2f}" for rounds in each)
        table.add_row(f"{in_flight}", f"{speed(rounds):.3f}", f"{cost(rounds):.3f}", spread)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
