"""`tickcast watch`: predictions as bars close, and what became of the ones before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Timer
from typing import Annotated, Protocol

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tickcast._client import Client
from tickcast._events import (
    Gap,
    PredictionEvent,
    PredictionStreamEvent,
    Refusal,
    StreamStarted,
)
from tickcast._streams import EventStream
from tickcast._types import Prediction
from tickcast.cli.output import (
    JsonFlag,
    console,
    instant,
    percent,
    price,
    write_json,
)
from tickcast.cli.scoreboard import Outcome, Scoreboard, SymbolScore
from tickcast.cli.session import Session, model_name

_REDRAW_SECONDS = 0.1
_HEARTBEAT = timedelta(seconds=1)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(watch)


def watch(
    context: typer.Context,
    symbols: Annotated[
        list[str] | None, typer.Argument(help="Symbols; by default all that the server holds.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model, or models/NAME/versions/VERSION.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after so long; by default with Ctrl-C.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show predictions as bars close: price, predicted price, band, and what became of it."""
    session: Session = context.obj
    with session.connect() as client:
        name = model_name(client, model)
        header = _verdict(client, name)
        stream = client.stream_predictions(
            name, symbols=symbols or (), snapshot=True, heartbeat=_HEARTBEAT
        )
        with stream, _ended_after(seconds, stream):
            display: Display
            if as_json:
                display = JsonLines()
            elif console().is_terminal:
                display = LiveTable(header)
            else:
                display = Lines(header)
            _run(stream, display)


def _run(stream: EventStream[PredictionStreamEvent], display: Display) -> None:
    board = Scoreboard()
    with display.shown():
        try:
            for event in stream:
                if isinstance(event, PredictionEvent):
                    board[event.prediction.symbol].take(event)
                display.show(event, board)
        except KeyboardInterrupt:
            # The usual way to end a display that has no end.
            stream.close()
    display.finish(board)


def _verdict(client: Client, name: str) -> str:
    version = name if "/versions/" in name else client.get_model(name).default_version
    if version is None:
        return f"{name}: no version of it is loaded; tickcast models {name} says why"
    found = client.get_model_version(version)
    return f"{found.name.removeprefix('models/')}: {found.verdict}"


@contextmanager
def _ended_after(
    seconds: float | None, stream: EventStream[PredictionStreamEvent]
) -> Iterator[None]:
    if seconds is None:
        yield
        return
    timer = Timer(seconds, stream.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Display(Protocol):
    """A way to show a stream."""

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows while the context lasts."""
        ...

    def show(self, event: PredictionStreamEvent, board: Scoreboard) -> None:
        """Shows an event that the board has taken in."""
        ...

    def finish(self, board: Scoreboard) -> None:
        """Sums up."""
        ...


class JsonLines:
    """Every event as JSON."""

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Nothing to set up."""
        yield

    def show(self, event: PredictionStreamEvent, board: Scoreboard) -> None:
        """One line."""
        write_json({"event": type(event).__name__, "value": event})

    def finish(self, board: Scoreboard) -> None:
        """A program sums up by itself."""


class Lines:
    """A line for each prediction."""

    def __init__(self, header: str) -> None:
        self._header = header
        self._opened = False

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Nothing to set up."""
        print(self._header, flush=True)
        yield

    def show(self, event: PredictionStreamEvent, board: Scoreboard) -> None:
        """One line, or none."""
        line = self._line(event, board)
        if line:
            print(line, flush=True)

    def finish(self, board: Scoreboard) -> None:
        """Totals."""
        print(_summary(board), flush=True)

    def _line(self, event: PredictionStreamEvent, board: Scoreboard) -> str:
        match event:
            case PredictionEvent():
                return _prediction_line(event.prediction, board[event.prediction.symbol])
            case Refusal():
                score = board[event.symbol]
                # Said once, and not again for every bar that a young symbol still lacks.
                repeated, score.refusal = bool(score.refusal), event.error.reason
                return "" if repeated else f"{event.symbol:<8} no prediction: {event.error}"
            case Gap():
                return f"{event.symbol:<8} events were left out: {event.reason.value}"
            case StreamStarted():
                resumed, self._opened = self._opened, True
                return "connected again" if resumed else ""
            case _:
                return ""


class LiveTable:
    """A table that is drawn again as things change."""

    def __init__(self, header: str) -> None:
        self._header = header
        self._notice = ""
        self._opened = False
        self._drawn = 0.0
        self._live = Live(console=console(), auto_refresh=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draws while the context lasts."""
        with self._live:
            yield

    def show(self, event: PredictionStreamEvent, board: Scoreboard) -> None:
        """Draws, unless it just has."""
        match event:
            case Refusal():
                board[event.symbol].refusal = str(event.error)
            case Gap():
                self._notice = f"{event.symbol}: events were left out: {event.reason.value}"
            case StreamStarted():
                self._notice = "connected again" if self._opened else ""
                self._opened = True
        now = time.monotonic()
        if now - self._drawn >= _REDRAW_SECONDS:
            self._drawn = now
            self._live.update(self._render(board), refresh=True)

    def finish(self, board: Scoreboard) -> None:
        """Totals."""
        self._live.update(self._render(board), refresh=True)
        console().print(_summary(board), markup=False)

    def _render(self, board: Scoreboard) -> RenderableType:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("symbol", "as of"):
            table.add_column(title, no_wrap=True)
        for title in ("close", "predicted", "change", "low", "high"):
            table.add_column(title, justify="right", no_wrap=True)
        for title in ("last", "band held", "direction right"):
            table.add_column(title, no_wrap=True)
        for symbol, score in board.symbols():
            table.add_row(symbol, *_cells(score))
        return Group(Text(self._header, style="dim"), table, Text(self._notice, style="yellow"))


def _cells(score: SymbolScore) -> tuple[Text | str, ...]:
    prediction = score.prediction
    if prediction is None or score.refusal:
        return ("", "", Text(score.refusal, style="dim"))
    band = prediction.price_interval
    return (
        instant(prediction.as_of_time),
        price(prediction.last_close),
        price(prediction.predicted_price),
        Text(
            percent(prediction.predicted_return),
            style="green" if prediction.predicted_return > 0 else "red",
        ),
        price(band.lower if band else None),
        price(band.upper if band else None),
        _outcome(score.outcome),
        str(score.in_band),
        str(score.direction),
    )


def _outcome(outcome: Outcome | None) -> Text:
    match outcome.in_band if outcome else None:
        case True:
            return Text("hit", style="green")
        case False:
            return Text("miss", style="red")
        case None:
            return Text("-", style="dim")


def _prediction_line(prediction: Prediction, score: SymbolScore) -> str:
    band = prediction.price_interval
    low, high = (price(band.lower), price(band.upper)) if band else ("-", "-")
    return (
        f"{prediction.symbol:<8} {instant(prediction.as_of_time)}"
        f"  close {price(prediction.last_close):>9}"
        f"  predicted {price(prediction.predicted_price):>9}"
        f" ({percent(prediction.predicted_return)})"
        f"  {f'{band.coverage:.0%}' if band else 'no'} band {low:>9} to {high:>9}"
        f"  last {_outcome(score.outcome).plain:<4}  held {score.in_band}"
    )


def _summary(board: Scoreboard) -> str:
    in_band, direction = board.totals()
    return f"band held {in_band}, direction right {direction}, over {len(board.symbols())} symbols"
