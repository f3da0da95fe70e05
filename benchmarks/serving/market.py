"""A whole market at a subscriber: 5,000 bars in one go, and a thousand a second without end."""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import grpc
from tickcast.v1.prediction_service_pb2 import StreamPredictionsResponse

from benchmarks.common import wire
from benchmarks.common.bars import Walk, histories, requests, walks
from benchmarks.common.collector import collector_off
from benchmarks.common.latency import Latency, from_intended
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.rounds import in_turn
from benchmarks.common.server import INGEST_BARS, Server, serving, subscription
from benchmarks.common.subscribers import Arrival, Subscribers, subscribed

SYMBOLS = 5_000
RATE = 1_000
ONE, MANY = SYMBOLS, 100
"""Bars in a request, when all come in one go."""

GROUPS = (1, 10)
"""Bars in a request, when they come steadily."""

_MOST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Seconds from sending the first bar of 5,000."""

    acknowledged: float
    predicted: float


@dataclass(frozen=True, kw_only=True)
class Steady:
    """What became of bars at a fixed rate."""

    latency: Latency
    refused: int
    """Requests, whose bars have no latency."""


def run(effort: Effort) -> Report:
    seconds = 3 * effort.seconds
    bars = 4 * (effort.rounds + 1) + 2 * (round(RATE * seconds / SYMBOLS) + 1)
    with serving(workers=effort.workers) as server:
        series = walks(SYMBOLS, bars)
        server.ingest(histories(series))
        sides = {
            (size, batched): partial(_burst, server, series, size, batched=batched)
            for batched in (True, False)
            for size in (ONE, MANY)
        }
        for side in sides.values():
            side()
        with collector_off():
            bursts = in_turn(sides, effort.rounds)
            steady = {size: _steady(server, series, size, seconds) for size in GROUPS}
    return _report(bursts, steady)


def _burst(server: Server, series: list[Walk], size: int, *, batched: bool) -> Burst:
    """One bar of every symbol, in requests that are all sent at once."""
    bodies = requests([bar for walk in series for bar in walk.take()], size)
    with (
        _subscriber(server, batched=batched) as subscriber,
        grpc.insecure_channel(server.address) as channel,
    ):
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(INGEST_BARS)
        grpc.channel_ready_future(channel).result(timeout=_MOST_SECONDS)
        acknowledged: list[float] = []
        begin = time.perf_counter()
        answers = [call.future(body, timeout=_MOST_SECONDS) for body in bodies]
        for answer in answers:
            answer.add_done_callback(lambda _: acknowledged.append(time.perf_counter()))
        predicted, last = 0, begin
        while predicted < len(series):
            for arrival in subscriber.events(begin + _MOST_SECONDS)[0]:
                predicted += len(_predicted(arrival))
                last = arrival.at
            _check_time(begin)
        for answer in answers:
            answer.result()
    return Burst(acknowledged=max(acknowledged) - begin, predicted=last - begin)


def _steady(server: Server, series: list[Walk], size: int, seconds: float) -> Steady:
    """Bars at a fixed rate in requests of `size`; from when the request was due."""
    chosen = [series[number % len(series)] for number in range(int(RATE * seconds))]
    bodies = requests([bar for walk in chosen for bar in walk.take()], size)
    waiting = _Waiting([walk.symbol for walk in chosen], size)
    rate, sent = RATE / size, 0
    numbers: dict[int, int] = {}
    with _subscriber(server, batched=True) as subscriber:
        block = subscriber.header_block(INGEST_BARS)
        begin = time.perf_counter() + 0.05
        while waiting:
            now = time.perf_counter()
            while sent < len(bodies) and begin + sent / rate <= now:
                numbers[subscriber.call(block, bodies[sent])] = sent
                sent += 1
            due = begin + sent / rate if sent < len(bodies) else now + _MOST_SECONDS
            arrivals, answers = subscriber.events(due)
            for arrival in arrivals:
                waiting.predicted(arrival)
            for event, _ in answers:
                if isinstance(event, wire.End) and event.status != wire.OK:
                    waiting.refused(numbers[event.stream])
            _check_time(begin + seconds)
    return Steady(
        latency=Latency.of(from_intended(begin, rate, waiting.ends)),
        refused=waiting.refusals,
    )


class _Waiting:
    """Which requests have bars that are not predicted yet."""

    def __init__(self, symbols: Sequence[str], size: int) -> None:
        self._symbols = symbols
        self._size = size
        self._requests: dict[str, deque[int]] = defaultdict(deque)
        for number, symbol in enumerate(symbols):
            self._requests[symbol].append(number // size)
        self._left = len(symbols)
        self.ends: list[tuple[int, float]] = []
        """Number of the request and time, of each prediction."""

        self.refusals = 0

    def __bool__(self) -> bool:
        return self._left > 0

    def predicted(self, arrival: Arrival) -> None:
        """Takes in predictions; those of one symbol come in order."""
        for symbol in _predicted(arrival):
            self.ends.append((self._requests[symbol].popleft(), arrival.at))
            self._left -= 1

    def refused(self, number: int) -> None:
        """Expects nothing more of a request."""
        for symbol in self._symbols[number * self._size : (number + 1) * self._size]:
            self._requests[symbol].remove(number)
            self._left -= 1
        self.refusals += 1


def _subscriber(server: Server, *, batched: bool) -> AbstractContextManager[Subscribers]:
    """One stream of all symbols."""
    return subscribed(server.address, subscription(batched=batched), streams=1, connections=1)


def _predicted(arrival: Arrival) -> list[str]:
    """Symbols that a message has predictions of."""
    response = StreamPredictionsResponse.FromString(arrival.data)
    events = response.batch.events if response.HasField("batch") else [response]
    return [event.prediction.symbol for event in events if event.HasField("prediction")]


def _check_time(begin: float) -> None:
    if time.perf_counter() > begin + _MOST_SECONDS:
        raise TimeoutError(f"predictions did not come within {_MOST_SECONDS:.0f} s")


def _report(bursts: Mapping[tuple[int, bool], list[Burst]], steady: Mapping[int, Steady]) -> Report:
    best = statistics.median(burst.predicted for burst in bursts[ONE, True])
    return Report(
        benchmark="market",
        tables=[
            Table(
                title=f"One bar of each of {SYMBOLS:,} symbols in one go, one subscriber to all",
                rows=[
                    {
                        "bars in a request": size,
                        "events of the stream": "in batches" if batched else "one by one",
                        "all acknowledged s": statistics.median(i.acknowledged for i in rounds),
                        "all predicted s": statistics.median(item.predicted for item in rounds),
                        "quickest s": min(item.predicted for item in rounds),
                        "slowest s": max(item.predicted for item in rounds),
                    }
                    for (size, batched), rounds in bursts.items()
                ],
            ),
            Table(
                title=f"{RATE:,} bars a second: us from when a request was due to its predictions"
                " at the subscriber",
                rows=[
                    {
                        "bars in a request": size,
                        "bars": found.latency.count,
                        "p50": found.latency.p50,
                        "p90": found.latency.p90,
                        "p99": found.latency.p99,
                        "p99.9": found.latency.p999,
                        "requests refused": found.refused,
                    }
                    for size, found in steady.items()
                ],
            ),
        ],
        targets=[
            Target(
                name="5,000 symbols in one request, read in batches: all predicted, s",
                found=best,
                at_most=1.0,
            ),
            *(
                Target(
                    name=f"{RATE:,} bars a second, {size} a request: p99 to the prediction, ms",
                    found=found.latency.p99 / 1_000,
                    at_most=20.0,
                )
                for size, found in steady.items()
            ),
        ],
    )


if __name__ == "__main__":
    sys.exit(main([run], "market"))
