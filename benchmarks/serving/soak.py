"""Everything at once for some minutes: does memory stay, is any bar lost or sent twice."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.common import wire
from benchmarks.common.bars import Walk, requests, walks
from benchmarks.common.latency import Latency
from benchmarks.common.options import Effort, main
from benchmarks.common.processes import Running
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.server import INGEST_BARS, PREDICT, by_symbol, serving, subscription
from benchmarks.common.subscribers import Arrival, Subscribers, subscribed

SYMBOLS = 100
STREAMS, CONNECTIONS = 20, 4
BARS_A_SECOND = 100
PREDICTS_A_SECOND = 500

# More than a server keeps in memory of a symbol, so that it has reached its size beforehand.
_BARS_BEFORE = 600
# Messages that are kept for other streams: so few that the first minute brings as many.
_SHARED = 4_000

_DRAIN_SECONDS = 10.0
_MIB = 2**20


def run(effort: Effort) -> Report:
    seconds = effort.soak_minutes * 60
    bars = _BARS_BEFORE + round(seconds * BARS_A_SECOND / SYMBOLS) + 1
    settings = {"TICKCAST_STREAM__SHARED": str(_SHARED)}
    with serving(workers=effort.workers, variables=settings) as server:
        series = walks(SYMBOLS, bars)
        for walk in series:
            server.ingest(requests(walk.take(_BARS_BEFORE), _BARS_BEFORE))
        with subscribed(
            server.address, subscription(), streams=STREAMS, connections=CONNECTIONS
        ) as subscribers:
            found = _Soak(subscribers, series, server.running).run(seconds)
    return _report(found, effort.soak_minutes)


@dataclass(kw_only=True)
class Found:
    """What was seen."""

    resident: list[tuple[float, int]] = field(default_factory=list)
    """Seconds since the beginning, bytes."""

    sequences: dict[tuple[int, int, str], int] = field(default_factory=dict)
    """The last one by connection, stream and symbol."""

    bars: int = 0
    """That the server acknowledged."""

    messages: int = 0
    lost: int = 0
    doubled: int = 0
    failed: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    """Of Predict, in microseconds."""

    def add(self, arrival: Arrival) -> None:
        """Takes in a message of a stream, and whether it is the next one of its symbol."""
        position = arrival.response().position
        if not position.sequence:
            return
        self.messages += 1
        key = (arrival.connection, arrival.stream, position.symbol)
        step = position.sequence - self.sequences.get(key, position.sequence - 1)
        self.lost += max(step - 1, 0)
        self.doubled += step < 1
        self.sequences[key] = position.sequence

    def growth(self, warm_seconds: float) -> float:
        """Memory in the last tenth over that in the tenth after `warm_seconds`: medians."""
        after = [size for at, size in self.resident if at >= warm_seconds]
        part = max(len(after) // 10, 1)
        first, last = sorted(after[:part]), sorted(after[-part:])
        return last[len(last) // 2] / first[len(first) // 2]


class _Soak:
    def __init__(self, subscribers: Subscribers, series: list[Walk], running: Running) -> None:
        self._subscribers = subscribers
        self._series = series
        self._running = running
        self._found = Found()
        self._sent = 0
        self._bars_under_way: set[int] = set()
        self._asked: dict[int, float] = {}
        self._ingest = subscribers.header_block(INGEST_BARS)
        self._predict = subscribers.header_block(PREDICT)

    def run(self, seconds: float) -> Found:
        """Sends, asks and reads for that long, then reads what is still to come."""
        found, begin = self._found, time.perf_counter()
        asked = 0
        while (elapsed := time.perf_counter() - begin) < seconds:
            while self._sent < elapsed * BARS_A_SECOND:
                self._send_bar()
            while asked < elapsed * PREDICTS_A_SECOND:
                self._ask(asked)
                asked += 1
            if len(found.resident) < elapsed:
                found.resident.append((elapsed, self._running.resident_bytes()))
            self._read(begin + min(self._sent / BARS_A_SECOND, asked / PREDICTS_A_SECOND))
        last = time.perf_counter() + _DRAIN_SECONDS
        while self._is_more_to_come() and time.perf_counter() < last:
            self._read(last)
        found.lost += max(found.bars * STREAMS - found.messages - found.lost, 0)
        return found

    def _is_more_to_come(self) -> bool:
        found = self._found
        return bool(self._bars_under_way) or found.messages < found.bars * STREAMS

    def _send_bar(self) -> None:
        walk = self._series[self._sent % len(self._series)]
        stream = self._subscribers.call(self._ingest, requests(walk.take(), 1)[0])
        self._bars_under_way.add(stream)
        self._sent += 1

    def _ask(self, number: int) -> None:
        symbol = self._series[number % len(self._series)].symbol
        stream = self._subscribers.call(self._predict, by_symbol(symbol))
        self._asked[stream] = time.perf_counter()

    def _read(self, until: float) -> None:
        arrivals, answers = self._subscribers.events(until)
        for arrival in arrivals:
            self._found.add(arrival)
        for event, at in answers:
            if isinstance(event, wire.End):
                self._end(event, at)

    def _end(self, event: wire.End, at: float) -> None:
        succeeded = event.status == wire.OK
        if not succeeded:
            self._found.failed[event.status] += 1
        if event.stream in self._asked:
            latency = at - self._asked.pop(event.stream)
            self._found.latencies.append(latency * 1e6)
        if event.stream in self._bars_under_way:
            self._bars_under_way.remove(event.stream)
            self._found.bars += succeeded


def _report(found: Found, minutes: float) -> Report:
    growth = found.growth(warm_seconds=min(60.0, minutes * 30))
    latency = Latency.of(found.latencies)
    return Report(
        benchmark="soak",
        tables=[
            Table(
                title=f"{minutes:g} minutes of {PREDICTS_A_SECOND} Predict and {BARS_A_SECOND} bars"
                f" a second, {STREAMS} streams of all {SYMBOLS} symbols",
                rows=[
                    {
                        "bars": found.bars,
                        "messages": found.messages,
                        "lost": found.lost,
                        "doubled": found.doubled,
                        "calls failed": " ".join(
                            f"{code}: {count}" for code, count in found.failed.items()
                        )
                        or 0,
                        "Predict p50 us": latency.p50,
                        "Predict p99 us": latency.p99,
                        "MiB at first": found.resident[0][1] / _MIB,
                        "MiB at last": found.resident[-1][1] / _MIB,
                    }
                ],
            )
        ],
        targets=[
            Target(
                name="soak: memory at the end over that after the first minute",
                found=growth,
                at_most=1.02,
            ),
            Target(
                name="soak: sequence numbers lost or doubled, calls failed",
                found=found.lost + found.doubled + sum(found.failed.values()),
                at_most=0,
            ),
        ],
    )


if __name__ == "__main__":
    sys.exit(main([run], "soak"))
