"""Many streams on a few connections, in one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tickcast.v1.prediction_service_pb2 import StreamPredictionsResponse

from benchmarks.common import wire
from benchmarks.common.server import STREAM_PREDICTIONS

_OPEN_SECONDS = 120.0


class StreamsEnded(RuntimeError):
    """Streams ended, or said nothing, that should go on."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of a stream."""

    connection: int
    stream: int
    data: bytes
    at: float
    """By `perf_counter`."""

    def response(self) -> StreamPredictionsResponse:
        """The message, read."""
        return StreamPredictionsResponse.FromString(self.data)


class Subscribers:
    """Streams of predictions that are open, and a connection for unary calls beside them."""

    def __init__(self, streams: Sequence[wire.Connection], calls: wire.Connection) -> None:
        self._streams = list(streams)
        self._all = [*streams, calls]
        self._calls = calls

    def call(self, header_block: bytes, message: bytes) -> int:
        """Begins a unary call; `events` tells of its end."""
        return self._calls.call(header_block, message)

    def header_block(self, method: str) -> bytes:
        """For `call`."""
        return self._calls.header_block(method)

    def events(self, until: float) -> tuple[list[Arrival], list[tuple[wire.Event, float]]]:
        """What the streams brought, and what became of calls. Raises `StreamsEnded`."""
        arrivals, answers = [], []
        for connection, event, at in wire.wait(self._all, until):
            if connection is self._calls:
                answers.append((event, at))
            elif isinstance(event, wire.End):
                raise StreamsEnded(f"a stream ended with gRPC's code {event.status}")
            else:
                number = self._streams.index(connection)
                arrivals.append(Arrival(number, event.stream, event.data, at))
        return arrivals, answers

    def until(self, done: Callable[[list[Arrival]], bool], seconds: float) -> None:
        """Hands all arrivals to `done` until it says so. Raises `StreamsEnded`."""
        last = time.perf_counter() + seconds
        while not done(self.events(last)[0]):
            if time.perf_counter() > last:
                raise StreamsEnded(f"messages did not come within {seconds:.0f} s")


@contextmanager
def subscribed(
    address: str, request: bytes, *, streams: int, connections: int
) -> Iterator[Subscribers]:
    """That many streams of the same request, all of which have started."""
    opened = [wire.Connection(address) for _ in range(connections + 1)]
    try:
        block = opened[0].header_block(STREAM_PREDICTIONS)
        for number in range(streams):
            opened[number % connections].call(block, request)
        subscribers = Subscribers(opened[:-1], opened[-1])
        started: set[tuple[int, int]] = set()

        def all_started(arrivals: list[Arrival]) -> bool:
            started.update((item.connection, item.stream) for item in arrivals)
            return len(started) == streams

        subscribers.until(all_started, _OPEN_SECONDS)
        yield subscribers
    finally:
        for connection in opened:
            connection.close()


@contextmanager
def stalled(address: str, request: bytes) -> Iterator[None]:
    """One stream whose reader takes the first messages and then no more."""
    connection = wire.Connection(address, window=1_024)
    try:
        connection.call(connection.header_block(STREAM_PREDICTIONS), request)
        deadline = time.perf_counter() + 1.0
        while not wire.wait([connection], deadline) and time.perf_counter() < deadline:
            pass
        yield
    finally:
        connection.close()
