"""A stream goes on where it was, whatever happens to its calls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import grpc
import pytest
from tickcast import (
    BarEvent,
    Gap,
    Heartbeat,
    PositionExpired,
    PriceStreamEvent,
    ServerUnavailable,
    ShuttingDown,
    SlowReader,
    StreamPosition,
    StreamStarted,
    TooManyStreams,
)
from tickcast._subscription import Prices, Step, StreamRequest, Subscription
from tickcast.v1 import market_data_service_pb2 as pb
from tickcast.v1 import stream_pb2

LIVE = stream_pb2.STREAM_START_MODE_LIVE
RESUMED = stream_pb2.STREAM_START_MODE_RESUMED
SNAPSHOT = stream_pb2.STREAM_START_MODE_SNAPSHOT


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def subscription(
    clock: Clock, *, patience: float = 60.0, **asked: Any
) -> Subscription[PriceStreamEvent]:
    values: dict[str, Any] = {
        "symbols": (),
        "resume_after": (),
        "snapshot": False,
        "heartbeat": None,
        "minimum_move": 0.0,
        "when_behind": None,
    }
    return Subscription(
        Prices("1d"),
        StreamRequest(**values | asked),
        patience=timedelta(seconds=patience),
        clock=clock,
    )


def at(symbol: str, sequence: int, epoch: str = "e1") -> stream_pb2.StreamPosition:
    return stream_pb2.StreamPosition(symbol=symbol, timeframe="1d", epoch=epoch, sequence=sequence)


def started(*starts: stream_pb2.StreamPosition, mode: Any = LIVE) -> pb.StreamPricesResponse:
    return pb.StreamPricesResponse(
        started=stream_pb2.StreamStarted(
            starts=[stream_pb2.StreamStart(position=start, mode=mode) for start in starts]
        )
    )


def bar(symbol: str, sequence: int) -> pb.StreamPricesResponse:
    message = pb.StreamPricesResponse(position=at(symbol, sequence))
    message.bar.symbol = symbol
    return message


def resumes_after(stream: Subscription[PriceStreamEvent]) -> dict[str, tuple[str, int]]:
    request = stream.request()
    assert isinstance(request, pb.StreamPricesRequest)
    return {item.symbol: (item.epoch, item.sequence) for item in request.resume_after}


UNAVAILABLE = ServerUnavailable("gone", code=grpc.StatusCode.UNAVAILABLE)


def too_many(of: str) -> TooManyStreams:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    return TooManyStreams("too many", code=code, metadata={"of": of, "limit": "100"})


def test_a_connection_without_room_is_no_end_for_there_are_others(clock: Clock) -> None:
    stream = subscription(clock)
    assert stream.wait_after(too_many("connection ipv4:10.0.0.7:41234")) is not None
    clock.now = 6.0
    assert stream.wait_after(too_many("connection ipv4:10.0.0.7:41234")) is None


@pytest.mark.parametrize("of", ["client ipv4:10.0.0.7", "server"])
def test_another_connection_is_no_help_where_a_host_or_the_server_has_too_many(
    clock: Clock, of: str
) -> None:
    assert subscription(clock).wait_after(too_many(of)) is None


def test_the_first_request_resumes_where_the_caller_said(clock: Clock) -> None:
    position = StreamPosition(symbol="AAPL", timeframe="1d", epoch="e1", sequence=7)
    stream = subscription(clock, resume_after=(position,), symbols=("AAPL", "IBM"))
    assert resumes_after(stream) == {"AAPL": ("e1", 7)}
    assert stream.positions == (position,)


def test_goes_on_after_the_last_event_of_each_symbol(clock: Clock) -> None:
    stream = subscription(clock)
    assert isinstance(stream.received(started(at("AAPL", 3), at("IBM", 8))), StreamStarted)
    assert isinstance(stream.received(bar("AAPL", 4)), BarEvent)
    assert isinstance(stream.received(bar("AAPL", 5)), BarEvent)
    assert resumes_after(stream) == {"AAPL": ("e1", 5), "IBM": ("e1", 8)}


def test_gaps_and_heartbeats_move_the_position_as_well(clock: Clock) -> None:
    stream = subscription(clock)
    stream.received(started(at("AAPL", 3), at("IBM", 8)))
    gap = pb.StreamPricesResponse(position=at("AAPL", 9))
    gap.gap.symbol = "AAPL"
    assert isinstance(stream.received(gap), Gap)
    beat = pb.StreamPricesResponse()
    beat.heartbeat.positions.append(at("IBM", 10, "e2"))
    assert isinstance(stream.received(beat), Heartbeat)
    assert resumes_after(stream) == {"AAPL": ("e1", 9), "IBM": ("e2", 10)}


@pytest.mark.parametrize(("mode", "sequence"), [(LIVE, 4), (SNAPSHOT, 3), (SNAPSHOT, 0)])
def test_first_bars_that_came_during_an_outage_are_fetched(
    clock: Clock, mode: int, sequence: int
) -> None:
    stream = subscription(clock)
    stream.received(started(at("AAPL", 3)))
    stream.wait_after(UNAVAILABLE)
    assert stream.received(started(at("NEW", sequence), mode=mode)) is Step.REOPEN
    assert resumes_after(stream) == {"AAPL": ("e1", 3), "NEW": ("e1", 0)}
    again = started(at("AAPL", 3), at("NEW", 0), mode=RESUMED)
    assert isinstance(stream.received(again), StreamStarted)


def test_what_was_held_before_a_stream_began_is_not_fetched(clock: Clock) -> None:
    assert isinstance(subscription(clock).received(started(at("AAPL", 3))), StreamStarted)


def test_events_of_a_newer_contract_are_passed_over(clock: Clock) -> None:
    assert subscription(clock).received(pb.StreamPricesResponse()) is Step.READ_ON


def test_a_stream_that_never_began_fails_at_once(clock: Clock) -> None:
    assert subscription(clock).wait_after(UNAVAILABLE) is None


def test_waits_grow_up_to_a_limit_and_start_again_with_the_next_event(clock: Clock) -> None:
    stream = subscription(clock, patience=1e9)
    stream.received(started(at("AAPL", 3)))
    waits = [stream.wait_after(UNAVAILABLE) or 0.0 for _ in range(12)]
    assert 0.05 <= waits[0] <= 0.1
    assert all(wait <= 5.0 for wait in waits)
    assert min(waits[7:]) >= 2.5
    stream.received(bar("AAPL", 4))
    assert (stream.wait_after(UNAVAILABLE) or 0.0) <= 0.1


def test_waits_at_least_as_long_as_the_server_asks(clock: Clock) -> None:
    stream = subscription(clock)
    stream.received(started(at("AAPL", 3)))
    error = ShuttingDown("bye", code=grpc.StatusCode.UNAVAILABLE, retry_after=timedelta(seconds=3))
    assert stream.wait_after(error) == 3.0


def test_an_outage_that_outlasts_the_patience_is_raised(clock: Clock) -> None:
    stream = subscription(clock, patience=10)
    stream.received(started(at("AAPL", 3)))
    assert stream.wait_after(UNAVAILABLE) is not None
    clock.now = 10.0
    assert stream.wait_after(UNAVAILABLE) is not None
    clock.now = 10.5
    assert stream.wait_after(UNAVAILABLE) is None


def test_patience_counts_from_the_last_event(clock: Clock) -> None:
    stream = subscription(clock, patience=10)
    stream.received(started(at("AAPL", 3)))
    stream.wait_after(UNAVAILABLE)
    clock.now = 9.0
    stream.received(bar("AAPL", 4))
    clock.now = 18.0
    assert stream.wait_after(UNAVAILABLE) is not None


def test_only_what_can_succeed_again_is_tried_again(clock: Clock) -> None:
    stream = subscription(clock)
    stream.received(started(at("AAPL", 3)))
    assert stream.wait_after(SlowReader("slow", code=grpc.StatusCode.RESOURCE_EXHAUSTED))
    expired = PositionExpired("too old", code=grpc.StatusCode.OUT_OF_RANGE)
    assert stream.wait_after(expired) is None
