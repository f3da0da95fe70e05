"""What became of predictions: each is kept until the bar that it was about has closed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tickcast._events import PredictionEvent
from tickcast._types import Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A prediction, and the close that it was about."""

    prediction: Prediction
    close: float

    @property
    def in_band(self) -> bool | None:
        """Whether the close lies in the band; `None` when there is no band."""
        band = self.prediction.price_interval
        return None if band is None else band.lower <= self.close <= band.upper

    @property
    def right_direction(self) -> bool | None:
        """Whether the sign was right; `None` when nothing moved or nothing was said."""
        before = self.prediction.last_close
        if before is None or self.close == before or self.prediction.predicted_return == 0:
            return None
        return (math.log(self.close / before) > 0) == (self.prediction.predicted_return > 0)


@dataclass(slots=True)
class Tally:
    """How often something was true."""

    true: int = 0
    total: int = 0

    def count(self, value: bool | None) -> None:
        """Counts one more, unless it is not known."""
        if value is not None:
            self.true += value
            self.total += 1

    def __str__(self) -> str:
        if not self.total:
            return "-"
        return f"{self.true} of {self.total} ({self.true / self.total:.0%})"


@dataclass(slots=True)
class SymbolScore:
    """One symbol: its last prediction, the last outcome, and all outcomes counted."""

    prediction: Prediction | None = None
    outcome: Outcome | None = None
    refusal: str = ""
    in_band: Tally = field(default_factory=Tally)
    direction: Tally = field(default_factory=Tally)
    _epoch: str = ""
    _open: dict[int, Prediction] = field(default_factory=dict)

    def take(self, event: PredictionEvent) -> Outcome | None:
        """Takes a prediction in, and returns the outcome of the one that it settles."""
        position, prediction = event.position, event.prediction
        if position.epoch != self._epoch:
            # Sequences of another epoch number other bars.
            self._epoch, self._open = position.epoch, {}
        settled = self._open.pop(position.sequence, None)
        # Those that are older were about bars that this stream has not seen.
        self._open = {at: item for at, item in self._open.items() if at > position.sequence}
        self._open[position.sequence + prediction.horizon_bars] = prediction
        self.prediction, self.refusal, self.outcome = prediction, "", None
        if settled is not None and prediction.last_close is not None:
            self.outcome = Outcome(prediction=settled, close=prediction.last_close)
            self.in_band.count(self.outcome.in_band)
            self.direction.count(self.outcome.right_direction)
        return self.outcome


class Scoreboard:
    """Every symbol of a stream."""

    def __init__(self) -> None:
        self._symbols: dict[str, SymbolScore] = {}

    def __getitem__(self, symbol: str) -> SymbolScore:
        return self._symbols.setdefault(symbol, SymbolScore())

    def symbols(self) -> list[tuple[str, SymbolScore]]:
        """All, in alphabetical order."""
        return sorted(self._symbols.items())

    def totals(self) -> tuple[Tally, Tally]:
        """In the band, and direction right, over all symbols."""
        in_band, direction = Tally(), Tally()
        for score in self._symbols.values():
            for total, one in ((in_band, score.in_band), (direction, score.direction)):
                total.true += one.true
                total.total += one.total
        return in_band, direction

    def summary(self) -> str:
        """The totals, in one line."""
        in_band, direction = self.totals()
        counted = f"over {len(self._symbols)} symbols"
        return f"band held {in_band}, direction right {direction}, {counted}"
