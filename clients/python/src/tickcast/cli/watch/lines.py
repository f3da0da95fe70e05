"""Streams as lines: for pipes, files and programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tickcast._events import (
    Gap,
    PredictionEvent,
    PredictionStreamEvent,
    Refusal,
    StreamStarted,
)
from tickcast._streams import EventStream
from tickcast._types import Prediction
from tickcast.cli.figures import instant, percent, price
from tickcast.cli.output import CsvRows, complain, say, write_json
from tickcast.cli.scoreboard import Outcome, Scoreboard, SymbolScore


class Display(Protocol):
    """A way to show a stream."""

    def run(self, stream: EventStream[PredictionStreamEvent]) -> None:
        """Shows events until the stream ends."""
        ...

    def finish(self) -> None:
        """Sums up."""
        ...


class JsonLines:
    """Every event as JSON."""

    def run(self, stream: Iterable[PredictionStreamEvent]) -> None:
        """One line for each."""
        for event in stream:
            write_json({"event": type(event).__name__, "value": event})

    def finish(self) -> None:
        """A program sums up by itself."""


class PredictionRows:
    """Predictions as CSV, in the columns of `tickcast predict`."""

    def run(self, stream: Iterable[PredictionStreamEvent]) -> None:
        """One row for each; what is no prediction is said on standard error."""
        rows = CsvRows(Prediction)
        for event in stream:
            if isinstance(event, PredictionEvent):
                rows.write(event.prediction)
            elif isinstance(event, (Refusal, Gap)):
                complain(f"{event.symbol}: {trouble(event)}")

    def finish(self) -> None:
        """A program sums up by itself."""


class Lines:
    """A line for each prediction, with what became of the one before."""

    def __init__(self, header: str) -> None:
        self._header = header
        self._board = Scoreboard()
        self._opened = False

    def run(self, stream: Iterable[PredictionStreamEvent]) -> None:
        """One line for each, or none."""
        say(self._header)
        for event in stream:
            if line := self._line(event):
                say(line)

    def finish(self) -> None:
        """Totals."""
        say(self._board.summary())

    def _line(self, event: PredictionStreamEvent) -> str:
        match event:
            case PredictionEvent():
                score = self._board[event.prediction.symbol]
                score.take(event)
                return _prediction_line(event.prediction, score)
            case Refusal():
                score = self._board[event.symbol]
                # Said once, and not again for every bar that a young symbol still lacks.
                repeated, score.refusal = bool(score.refusal), event.error.reason
                return "" if repeated else f"{event.symbol:<8} {trouble(event)}"
            case Gap():
                return f"{event.symbol:<8} {trouble(event)}"
            case StreamStarted():
                resumed, self._opened = self._opened, True
                return "connected again" if resumed else ""
            case _:
                return ""


def trouble(event: Refusal | Gap) -> str:
    """What kept a symbol from being predicted."""
    if isinstance(event, Refusal):
        return f"no prediction: {event.error}"
    return f"events were left out: {event.reason.value}"


def _prediction_line(prediction: Prediction, score: SymbolScore) -> str:
    band = prediction.price_interval
    low, high = (price(band.lower), price(band.upper)) if band else ("-", "-")
    return (
        f"{prediction.symbol:<8} {instant(prediction.as_of_time)}"
        f"  close {price(prediction.last_close):>9}"
        f"  predicted {price(prediction.predicted_price):>9}"
        f" ({percent(prediction.predicted_return)})"
        f"  {f'{band.coverage:.0%}' if band else 'no'} band {low:>9} to {high:>9}"
        f"  last {_word(score.outcome):<4}  held {score.in_band}"
    )


def _word(outcome: Outcome | None) -> str:
    match outcome.in_band if outcome else None:
        case True:
            return "hit"
        case False:
            return "miss"
        case None:
            return "-"
