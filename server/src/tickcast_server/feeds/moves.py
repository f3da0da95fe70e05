"""Leaves out of a stream what moved less than its reader wants to hear of."""

from __future__ import annotations

import math

from tickcast_server.store.store import SeriesKey


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
