"""Calls at a fixed rate, whether the earlier ones are answered or not."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.common import wire
from benchmarks.common.collector import collector_off
from benchmarks.common.latency import Latency, from_intended

# After the last call was due, this long is waited for answers.
_DRAIN_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the calls; latencies are from the moments at which they were due."""

    sent: int
    rate: float
    """Calls a second that were made."""

    accepted: Latency
    refused: Latency
    refusals: Counter[int]
    """By gRPC's code."""

    @property
    def unanswered(self) -> int:
        """Calls that had not ended when all was over."""
        return self.sent - self.accepted.count - self.refused.count


@dataclass(kw_only=True)
class _Ends:
    begin: float
    rate: float
    accepted: list[tuple[int, float]] = field(default_factory=list)
    refused: list[tuple[int, float]] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)

    def add(self, number: int, status: int, at: float) -> None:
        if status == wire.OK:
            self.accepted.append((number, at))
        else:
            self.refused.append((number, at))
            self.refusals[status] += 1

    def outcome(self, sent: int, last_sent: float) -> Outcome:
        return Outcome(
            sent=sent,
            rate=sent / max(last_sent - self.begin, sent / self.rate),
            accepted=Latency.of(from_intended(self.begin, self.rate, self.accepted)),
            refused=Latency.of(from_intended(self.begin, self.rate, self.refused)),
            refusals=self.refusals,
        )


def open_loop(
    address: str,
    method: str,
    message: bytes,
    *,
    rate: float,
    seconds: float,
    timeout: float,
    connections: int = 1,
) -> Outcome:
    """Makes `rate` calls a second, evenly, each with a deadline of `timeout` seconds.

    The server alone enforces the deadline, so that whoever refuses is the server.
    """
    opened = [wire.Connection(address) for _ in range(connections)]
    try:
        with collector_off():
            return _run(opened, method, message, rate, seconds, timeout)
    finally:
        for connection in opened:
            connection.close()


def _run(
    connections: list[wire.Connection],
    method: str,
    message: bytes,
    rate: float,
    seconds: float,
    timeout: float,
) -> Outcome:
    block = connections[0].header_block(method, timeout=timeout)
    waiting: dict[tuple[int, int], int] = {}
    total = int(rate * seconds)
    sent = 0
    last_sent = 0.0
    ends = _Ends(begin=time.perf_counter() + 0.05, rate=rate)
    last = ends.begin + seconds + _DRAIN_SECONDS
    while sent < total or waiting:
        now = time.perf_counter()
        if now > last:
            break
        while sent < total and ends.begin + sent / rate <= now:
            connection = connections[sent % len(connections)]
            waiting[id(connection), connection.call(block, message)] = sent
            sent += 1
            last_sent = now
        due = ends.begin + sent / rate if sent < total else last
        for connection, event, at in wire.wait(connections, due):
            if isinstance(event, wire.End):
                ends.add(waiting.pop((id(connection), event.stream)), event.status, at)
    return ends.outcome(sent, last_sent)
