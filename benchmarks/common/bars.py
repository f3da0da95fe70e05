"""Bars to send: random walks on the model's timeframe."""

from __future__ import annotations

from collections.abc import Sequence

from tickcast.v1.bar_pb2 import Bar
from tickcast.v1.market_data_service_pb2 import IngestBarsRequest
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import bar_messages

HISTORY = CORE.minimum_bars
"""Bars of a symbol before it is predicted."""

# 1990-01-01: all bars of thirty years have closed.
_START = 7_305 * 86_400
_MOST_IN_A_REQUEST = 5_000


class Walk:
    """The bars of one symbol, each taken once, oldest first."""

    def __init__(self, symbol: str, bars: int, *, seed: int) -> None:
        self.symbol = symbol
        series = random_walk_bars(bars, symbol=symbol, start=_START, volatility=0.01, seed=seed)
        self._bars = bar_messages(series)
        self._taken = 0

    def take(self, n: int = 1) -> list[Bar]:
        """The next bars. Raises `IndexError` when fewer are left."""
        begin, self._taken = self._taken, self._taken + n
        if self._taken > len(self._bars):
            raise IndexError(f"{self.symbol}: was {len(self._bars)} bars, needed {self._taken}")
        return self._bars[begin : self._taken]


def walks(symbols: int, bars: int) -> list[Walk]:
    """Symbols with their history and `bars` more."""
    return [Walk(f"S{number:05}", HISTORY + bars, seed=number) for number in range(symbols)]


def histories(series: Sequence[Walk]) -> list[bytes]:
    """Requests of IngestBars with what each symbol needs before it is predicted."""
    return requests([bar for walk in series for bar in walk.take(HISTORY)], _MOST_IN_A_REQUEST)


def requests(bars: Sequence[Bar], size: int) -> list[bytes]:
    """Requests of IngestBars with `size` bars each; the last may have fewer."""
    return [
        IngestBarsRequest(bars=bars[begin : begin + size]).SerializeToString()
        for begin in range(0, len(bars), size)
    ]
