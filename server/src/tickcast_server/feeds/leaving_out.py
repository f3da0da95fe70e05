"""What a stream leaves out, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum
from typing import Protocol

from tickcast_server.feeds.stream import Event, Gap
from tickcast_server.store.store import SeriesKey


class LeftOut(Enum):
    """Why a closed bar was not told of."""

    BEHIND = "behind"
    """The reader was, and wants the latest."""

    SMALL_MOVE = "small_move"
    """It moved less than the reader wants to hear of."""


class LeavingOutObserver(Protocol):
    """Counts what is left out."""

    def bars_left_out(self, reason: LeftOut, count: int) -> None: ...


def count_gaps(batch: Iterable[Event], observer: LeavingOutObserver) -> None:
    """Tells of the bars that gaps stand for, as far as they are known."""
    for event in batch:
        if isinstance(event, Gap) and event.last >= event.first:
            observer.bars_left_out(LeftOut.BEHIND, event.last - event.first + 1)


class PriceMoves:
    """Which closes are far enough from the last one that was sent."""

    def __init__(self, least: float) -> None:
        """`least` is the size of a natural log return; 0 lets everything pass."""
        self._least = least
        self._sent: dict[SeriesKey, float] = {}

    def passes(self, key: SeriesKey, close: float) -> bool:
        """Whether a close is to be sent, as the first is; it is then the one to compare with."""
        if not self._least:
            return True
        sent = self._sent.get(key)
        if sent is not None and abs(math.log(close / sent)) < self._least:
            return False
        self._sent[key] = close
        return True
