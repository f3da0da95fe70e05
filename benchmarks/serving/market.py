"""A whole market at a subscriber: 5,000 bars in one go, and a thousand a second without end."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass

from benchmarks.common import wire
from benchmarks.common.bars import Walk, histories, requests, walks
from benchmarks.common.latency import Latency, from_intended
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.server import INGEST_BARS, serving, subscription
from benchmarks.common.subscribers import Arrival, Subscribers, subscribed

SYMBOLS = 5_000
RATE = 1_000

_REQUEST_BARS = 100
_MOST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Seconds from sending the first bar of 5,000."""

    acknowledged: float
    predicted: float


def run(effort: Effort) -> Report:
    steady_seconds = 3 * effort.seconds
    bars = effort.rounds + 2 + round(RATE * steady_seconds / SYMBOLS)
    with serving(workers=effort.workers) as server:
        series = walks(SYMBOLS, bars)
        server.ingest(histories(series))
        with subscribed(server.address, subscription(), streams=1, connections=1) as subscriber:
            _burst(subscriber, series)
            bursts = [_burst(subscriber, series) for _ in range(effort.rounds)]
            steady = _steady(subscriber, series, steady_seconds)
    return _report(bursts, steady)


def _burst(subscriber: Subscribers, series: list[Walk]) -> Burst:
    """One bar of every symbol, in requests that are all sent at once."""
    block = subscriber.header_block(INGEST_BARS)
    bodies = requests([bar for walk in series for bar in walk.take()], _REQUEST_BARS)
    begin = time.perf_counter()
    for body in bodies:
        subscriber.call(block, body)
    acknowledged: list[float] = []
    arrived: list[Arrival] = []
    while len(arrived) < len(series) or len(acknowledged) < len(bodies):
        arrivals, answers = subscriber.events(begin + _MOST_SECONDS)
        arrived += arrivals
        acknowledged += [at for event, at in answers if _is_success(event)]
        _check_time(begin)
    return Burst(acknowledged=max(acknowledged) - begin, predicted=arrived[-1].at - begin)


def _steady(subscriber: Subscribers, series: list[Walk], seconds: float) -> Latency:
    """Bars at a fixed rate, each in a request of its own; from when each was due."""
    block = subscriber.header_block(INGEST_BARS)
    total = int(RATE * seconds)
    bodies = [requests(series[i % len(series)].take(), 1)[0] for i in range(total)]
    number_of: dict[str, list[int]] = {}
    for number in range(total):
        number_of.setdefault(series[number % len(series)].symbol, []).append(number)
    begin, sent = time.perf_counter() + 0.05, 0
    arrived: list[Arrival] = []
    while len(arrived) < total:
        now = time.perf_counter()
        while sent < total and begin + sent / RATE <= now:
            subscriber.call(block, bodies[sent])
            sent += 1
        due = begin + sent / RATE if sent < total else now + _MOST_SECONDS
        arrived += subscriber.events(due)[0]
        _check_time(begin + seconds)
    # Of one symbol they come in order.
    ends = [(number_of[item.response().prediction.symbol].pop(0), item.at) for item in arrived]
    return Latency.of(from_intended(begin, RATE, ends))


def _is_success(event: wire.Event) -> bool:
    if isinstance(event, wire.End) and event.status != wire.OK:
        raise RuntimeError(f"IngestBars ended with gRPC's code {event.status}, needed 0")
    return isinstance(event, wire.End)


def _check_time(begin: float) -> None:
    if time.perf_counter() > begin + _MOST_SECONDS:
        raise RuntimeError(f"predictions did not come within {_MOST_SECONDS:.0f} s")


def _report(bursts: list[Burst], steady: Latency) -> Report:
    predicted = statistics.median(item.predicted for item in bursts)
    return Report(
        benchmark="market",
        tables=[
            Table(
                title=f"One bar of each of {SYMBOLS:,} symbols in one go, one subscriber to all",
                rows=[
                    {
                        "bursts": len(bursts),
                        "all acknowledged s": statistics.median(i.acknowledged for i in bursts),
                        "all predicted s": predicted,
                        "quickest s": min(item.predicted for item in bursts),
                        "slowest s": max(item.predicted for item in bursts),
                    }
                ],
            ),
            Table(
                title=f"{RATE:,} bars a second, one a request: us from when a bar was due to its"
                " prediction at the subscriber",
                rows=[
                    {
                        "bars": steady.count,
                        "p50": steady.p50,
                        "p90": steady.p90,
                        "p99": steady.p99,
                        "p99.9": steady.p999,
                    }
                ],
            ),
        ],
        targets=[
            Target(
                name="universe of 5,000 symbols in one go: all predicted, s",
                found=predicted,
                at_most=1.0,
            ),
            Target(
                name="1,000 bars a second: p99 from bar to prediction, ms",
                found=steady.p99 / 1_000,
                at_most=20.0,
            ),
        ],
    )


if __name__ == "__main__":
    sys.exit(main([run], "market"))
