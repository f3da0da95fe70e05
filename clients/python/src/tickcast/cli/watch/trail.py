"""What the last bars of each symbol were, and what was said of them."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from tickcast._client import Client
from tickcast._errors import TickcastError
from tickcast._events import PredictionEvent
from tickcast._types import Bar, Prediction
from tickcast.cli.scoreboard import Outcome

LONGEST = 40
"""Bars that are remembered."""

# Nights and weekends: this many times the trail is looked back for bars that fill it.
_GAPS = 8

# Symbols whose bars before the first prediction are asked for: as many as a tall terminal has rows.
_MOST_ASKED = 80


def _short() -> deque[float]:
    return deque(maxlen=LONGEST)


@dataclass(slots=True)
class Trail:
    """One symbol, oldest first."""

    closes: deque[float] = field(default_factory=_short)
    moves: deque[float] = field(default_factory=_short)
    held: deque[bool] = field(default_factory=lambda: deque(maxlen=LONGEST))
    """Whether each close was in the band that was said of it."""


class Trails:
    """Every symbol. The closes from before the first prediction are those that the server holds."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._trails: dict[str, Trail] = {}

    def __getitem__(self, symbol: str) -> Trail:
        return self._trails.get(symbol) or Trail()

    def take(self, event: PredictionEvent, outcome: Outcome | None) -> None:
        """Takes in a prediction, and what became of the one that it settles."""
        prediction = event.prediction
        trail = self._trails.get(prediction.symbol)
        if trail is None:
            trail = self._trails[prediction.symbol] = Trail()
            if len(self._trails) <= _MOST_ASKED:
                trail.closes.extend(self._before(prediction))
        if prediction.last_close is not None:
            trail.closes.append(prediction.last_close)
        trail.moves.append(prediction.predicted_return)
        if outcome is not None and outcome.in_band is not None:
            trail.held.append(outcome.in_band)

    def _before(self, prediction: Prediction) -> list[float]:
        slot = (prediction.target_time - prediction.as_of_time) / prediction.horizon_bars
        start = prediction.as_of_time - slot * LONGEST * _GAPS
        # A trail that begins later is worth less than a display that goes on.
        with suppress(TickcastError):
            bars = self._client.list_bars(prediction.symbol, prediction.timeframe, start=start)
            return [bar.close for bar in bars if _closed_before(bar, prediction.as_of_time)]
        return []


def _closed_before(bar: Bar, time: datetime) -> bool:
    return bar.close_time is not None and bar.close_time < time
