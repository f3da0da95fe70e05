"""Events of a price stream to its responses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tickcast.v1 import market_data_service_pb2 as pb

from tickcast_server.feeds.leaving_out import (
    LeavingOutObserver,
    LeftOut,
    PriceMoves,
    count_gaps,
)
from tickcast_server.feeds.stream import ClosedBar, Event, Gap, Heartbeat, Started
from tickcast_server.rpc import encode
from tickcast_server.rpc.published import Message, Published


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFeed:
    """What all streams of prices share."""

    published: Published
    observer: LeavingOutObserver
    now: Callable[[], float]

    def responses(self, batch: Sequence[Event], moves: PriceMoves) -> list[bytes]:
        """What is sent of a batch, in its order, encoded."""
        passing = [event for event in batch if _passes(event, moves)]
        count_gaps(passing, self.observer)
        if len(passing) < len(batch):
            self.observer.bars_left_out(LeftOut.SMALL_MOVE, len(batch) - len(passing))
        bars = [event for event in passing if isinstance(event, ClosedBar)]
        messages = iter(self.published.each(bars, of="", make=_message))
        return [
            next(messages).content
            if isinstance(event, ClosedBar)
            else self._sign(event).SerializeToString()
            for event in passing
        ]

    def _sign(self, event: Started | Gap | Heartbeat) -> pb.StreamPricesResponse:
        match event:
            case Started():
                return pb.StreamPricesResponse(started=encode.started(event))
            case Gap():
                return pb.StreamPricesResponse(
                    gap=encode.gap(event), position=encode.position(event.key, event.position)
                )
            case _:
                return pb.StreamPricesResponse(heartbeat=encode.heartbeat(event, self.now()))


def _passes(event: Event, moves: PriceMoves) -> bool:
    return not isinstance(event, ClosedBar) or moves.passes(event.key, event.bar.close)


def _message(bar: ClosedBar) -> Message:
    response = pb.StreamPricesResponse(
        bar=encode.bar(bar.key, bar.bar), position=encode.position(bar.key, bar.position)
    )
    return Message(response.SerializeToString())
