"""What a stream asks for, how far it has come, and when it is opened again: no I/O.

`EventStream` and `AsyncEventStream` open the calls and wait; all decisions are taken here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from tickcast import _decode, _encode
from tickcast._errors import TickcastError, TooManyStreams
from tickcast._events import (
    Heartbeat,
    PredictionStreamEvent,
    PriceStreamEvent,
    SlowReaderPolicy,
    StreamStarted,
    StreamStartMode,
)
from tickcast._types import StreamPosition
from tickcast.v1 import market_data_service_pb2, prediction_service_pb2

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0

# A connection that goes on refusing is shared with others, by something between it and the server.
_PATIENCE_WITH_CONNECTIONS = 5.0

Event = TypeVar("Event", bound=PredictionStreamEvent | PriceStreamEvent)


class Step(Enum):
    """What to do where a message has no event for the caller."""

    READ_ON = auto()
    """Read the next message."""

    REOPEN = auto()
    """Make the call again, from the positions as they are now."""


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What the caller asked for."""

    symbols: Sequence[str]
    resume_after: Iterable[StreamPosition]
    snapshot: bool
    heartbeat: timedelta | None
    minimum_move: float
    when_behind: SlowReaderPolicy | None


Event_co = TypeVar("Event_co", bound=PredictionStreamEvent | PriceStreamEvent, covariant=True)


class StreamKind(Protocol[Event_co]):
    """The streaming methods differ in their messages alone."""

    path: str

    def request(self, asked: StreamRequest, positions: Iterable[StreamPosition]) -> Message:
        """The request that goes on after `positions`."""
        ...

    def decode(self, message: Any) -> Event_co:
        """The event in a response. Raises `UnknownEvent`."""
        ...


class Predictions:
    """StreamPredictions of one model."""

    path = "/tickcast.v1.PredictionService/StreamPredictions"

    def __init__(self, model: str) -> None:
        self._model = model

    def request(self, asked: StreamRequest, positions: Iterable[StreamPosition]) -> Message:
        """A request of the contract."""
        return prediction_service_pb2.StreamPredictionsRequest(
            model=self._model,
            symbols=asked.symbols,
            resume_after=[_encode.position(position) for position in positions],
            snapshot=asked.snapshot,
            heartbeat_interval=_encode.optional_span(asked.heartbeat),
            slow_reader_policy=_encode.slow_reader_policy(asked.when_behind),
            minimum_move=asked.minimum_move,
            batched=True,
        )

    def decode(
        self, message: prediction_service_pb2.StreamPredictionsResponse
    ) -> PredictionStreamEvent:
        """An event."""
        return _decode.prediction_event(message)


class Prices:
    """StreamPrices of one timeframe."""

    path = "/tickcast.v1.MarketDataService/StreamPrices"

    def __init__(self, timeframe: str) -> None:
        self._timeframe = timeframe

    def request(self, asked: StreamRequest, positions: Iterable[StreamPosition]) -> Message:
        """A request of the contract."""
        return market_data_service_pb2.StreamPricesRequest(
            timeframe=self._timeframe,
            symbols=asked.symbols,
            resume_after=[_encode.position(position) for position in positions],
            snapshot=asked.snapshot,
            heartbeat_interval=_encode.optional_span(asked.heartbeat),
            slow_reader_policy=_encode.slow_reader_policy(asked.when_behind),
            minimum_move=asked.minimum_move,
            batched=True,
        )

    def decode(self, message: market_data_service_pb2.StreamPricesResponse) -> PriceStreamEvent:
        """An event."""
        return _decode.price_event(message)


class Subscription(Generic[Event]):
    """One stream over all the calls that it takes.

    `patience` is how long an outage may last until its error is raised; `clock` gives seconds.
    """

    def __init__(
        self,
        kind: StreamKind[Event],
        asked: StreamRequest,
        *,
        patience: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kind = kind
        self._asked = asked
        self._patience = patience.total_seconds()
        self._clock = clock
        self._positions = {position.symbol: position for position in asked.resume_after}
        self._begun = False
        self._down_since: float | None = None
        self._wait = _FIRST_WAIT

    @property
    def path(self) -> str:
        """The method to call."""
        return self._kind.path

    @property
    def positions(self) -> tuple[StreamPosition, ...]:
        """Where each symbol goes on: after the last event that was taken in."""
        return tuple(self._positions.values())

    def request(self) -> Message:
        """The request of the next call."""
        return self._kind.request(self._asked, self._positions.values())

    def parts(self, message: Any) -> Sequence[Any]:
        """The messages that a response brings: those of its batch, or itself."""
        return message.batch.events if message.HasField("batch") else (message,)

    def received(self, message: Any) -> Event | Step:
        """The event in a message, or what to do when there is none for the caller."""
        self._down_since = None
        self._wait = _FIRST_WAIT
        try:
            event = self._kind.decode(message)
        except _decode.UnknownEvent:
            return Step.READ_ON
        if isinstance(event, StreamStarted):
            if self._has_missed_a_beginning(event):
                return Step.REOPEN
            self._begun = True
            moved = tuple(start.position for start in event.starts)
        elif isinstance(event, Heartbeat):
            moved = event.positions
        else:
            moved = (event.position,)
        self._positions |= {position.symbol: position for position in moved}
        return event

    def _has_missed_a_beginning(self, event: StreamStarted) -> bool:
        """Whether symbols had their first bars while the stream was down."""
        missed = [
            start.position
            for start in event.starts
            if start.position.symbol not in self._positions
            and (start.position.sequence or start.mode is StreamStartMode.SNAPSHOT)
        ]
        if not (self._begun and missed):
            return False
        self._positions |= {position.symbol: replace(position, sequence=0) for position in missed}
        return True

    def wait_after(self, error: TickcastError) -> float | None:
        """Seconds to wait before the next call, or `None` when `error` is to be raised."""
        now = self._clock()
        if self._down_since is None:
            self._down_since = now
        patience = self._patience_with(error)
        if patience is None or now - self._down_since > patience:
            return None
        # Clients that lost the same server at once do not come back at once.
        wait = self._wait * random.uniform(0.5, 1.0)  # noqa: S311  # no secret is made of it
        self._wait = min(self._wait * 2, _LONGEST_WAIT)
        asked = error.retry_after.total_seconds() if error.retry_after else 0.0
        return max(wait, asked)

    def _patience_with(self, error: TickcastError) -> float | None:
        """Seconds that `error` may last; `None` when it is not to be waited out."""
        if isinstance(error, TooManyStreams) and error.most_of_connection:
            # The next call is made over a connection that has room.
            return min(self._patience, _PATIENCE_WITH_CONNECTIONS)
        return self._patience if self._begun and error.retryable else None
