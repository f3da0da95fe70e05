"""Bars a second that IngestBars takes, by how many a request holds. Every one is on disk then."""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial

import grpc

from benchmarks.common.bars import Walk, histories, requests, walks
from benchmarks.common.latency import Latency
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table
from benchmarks.common.rounds import in_turn
from benchmarks.common.server import INGEST_BARS, Server, serving

SIZES = (1, 10, 100, 1_000, 5_000)

_SYMBOLS = 1_000
_BARS = 1_500
_REQUESTS_AHEAD = 50


def run(effort: Effort) -> Report:
    with serving(workers=effort.workers) as server:
        feed = Feed(walks(_SYMBOLS, _BARS))
        server.ingest(feed.histories)
        _ingest(server, feed, 100, effort.seconds)
        found = in_turn(
            {f"{size:,}": partial(_ingest, server, feed, size, effort.seconds) for size in SIZES},
            effort.rounds,
        )
    return Report(
        benchmark="ingest",
        tables=[
            Table(
                title=f"IngestBars of {_SYMBOLS:,} symbols, one request after the other",
                rows=[
                    {
                        "bars in a request": size,
                        "bars/s": statistics.median(rate for rate, _ in rounds),
                        "lowest": min(rate for rate, _ in rounds),
                        "highest": max(rate for rate, _ in rounds),
                        "request p50 us": statistics.median(item.p50 for _, item in rounds),
                        "request p99 us": statistics.median(item.p99 for _, item in rounds),
                    }
                    for size, rounds in found.items()
                ],
            )
        ],
    )


class Feed:
    """Bars of all symbols in turn."""

    def __init__(self, series: list[Walk]) -> None:
        self.histories = histories(series)
        self._series = series
        self._next = 0

    def request(self, size: int) -> bytes:
        """The next request of IngestBars."""
        bars = []
        for _ in range(size):
            bars += self._series[self._next].take()
            self._next = (self._next + 1) % len(self._series)
        return requests(bars, size)[0]


def _ingest(server: Server, feed: Feed, size: int, seconds: float) -> tuple[float, Latency]:
    """Bars a second of answered requests, whose making is not counted, and their latencies."""
    times: list[float] = []
    with grpc.insecure_channel(server.address) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(INGEST_BARS)
        call(feed.request(size))
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for request in [feed.request(size) for _ in range(max(1, _REQUESTS_AHEAD // size))]:
                begin = time.perf_counter()
                call(request)
                times.append(time.perf_counter() - begin)
    return size * len(times) / sum(times), Latency.of(item * 1e6 for item in times)


if __name__ == "__main__":
    sys.exit(main([run], "ingest"))
