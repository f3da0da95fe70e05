"""The display of a terminal: drawn again as things change."""

from __future__ import annotations

import time
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
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
from tickcast.cli.scoreboard import Scoreboard
from tickcast.cli.watch.connection import Connection
from tickcast.cli.watch.feed import events_and_pauses
from tickcast.cli.watch.keys import quit_key
from tickcast.cli.watch.lines import trouble
from tickcast.cli.watch.table import Row, table
from tickcast.cli.watch.trail import Trails

_REDRAW_SECONDS = 0.1

# Where nothing comes, only the words about the connection and the fresh bars change.
_IDLE_SECONDS = 0.5

# So long the symbol of a bar that has just closed stands out.
_FRESH_SECONDS = 1.0

# Lines of the screen that are not rows of the table.
_FRAME = 8


class LiveTable:
    """A screen of its own while it lasts; what it last showed stays when it ends."""

    def __init__(self, client: Client, *, version: str, verdict: str, console: Console) -> None:
        self._version = version
        self._verdict = verdict
        self._console = console
        self._board = Scoreboard()
        self._trails = Trails(client)
        self._connection = Connection(client.target, clock=time.monotonic)
        self._fresh: dict[str, float] = {}
        self._notice = ""

    def run(self, stream: EventStream[PredictionStreamEvent]) -> None:
        """Draws until the stream ends or somebody presses q."""
        drawn, changed = 0.0, True
        live = Live(console=self._console, auto_refresh=False, screen=True)
        with quit_key() as asked_to_quit, live:
            live.update(self._screen(), refresh=True)
            for event in events_and_pauses(stream, pause=_REDRAW_SECONDS):
                if event is not None:
                    self._take(event)
                    changed = True
                if asked_to_quit():
                    return
                now = time.monotonic()
                if now - drawn >= (_REDRAW_SECONDS if changed else _IDLE_SECONDS):
                    drawn, changed = now, False
                    live.update(self._screen(), refresh=True)

    def finish(self) -> None:
        """Leaves the whole table and the totals on the terminal."""
        self._console.print(self._table(len(self._board.symbols())))
        self._console.print(self._board.summary(), markup=False)

    def _take(self, event: PredictionStreamEvent) -> None:
        self._connection.heard()
        match event:
            case PredictionEvent():
                symbol = event.prediction.symbol
                self._trails.take(event, self._board[symbol].take(event))
                self._fresh[symbol] = time.monotonic() + _FRESH_SECONDS
            case Refusal():
                self._board[event.symbol].refusal = str(event.error)
                self._notice = f"{event.symbol}: {trouble(event)}"
            case Gap():
                self._notice = f"{event.symbol}: {trouble(event)}"
            case StreamStarted():
                self._connection.opened(datetime.now().astimezone())

    def _screen(self) -> RenderableType:
        rows = max(1, self._console.height - _FRAME)
        hidden = len(self._board.symbols()) - rows
        state = Text(self._connection.words(), style="green" if self._connection.well else "yellow")
        more = f"{hidden} more symbols do not fit; name those to watch" if hidden > 0 else ""
        return Group(
            _line(Text.assemble((self._version, "bold"), "  ", state)),
            _line(Text(self._verdict, style="dim")),
            Text(),
            self._table(rows),
            Text(),
            _line(Text(self._board.summary())),
            _line(Text("; ".join(filter(None, (more, self._notice))), style="yellow")),
            _line(Text("q to quit", style="dim")),
        )

    def _table(self, most: int) -> RenderableType:
        now = time.monotonic()
        rows = [
            Row(symbol, score, self._trails[symbol], fresh=self._fresh.get(symbol, 0.0) > now)
            for symbol, score in self._board.symbols()[:most]
        ]
        return table(rows, width=self._console.width)


def _line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
