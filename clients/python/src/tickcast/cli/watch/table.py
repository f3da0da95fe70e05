"""The table of the display: which columns fit, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from tickcast._types import Prediction
from tickcast.cli.figures import instant, percent, price
from tickcast.cli.scoreboard import SymbolScore
from tickcast.cli.watch import sparkline
from tickcast.cli.watch.trail import Trail

UP, DOWN, QUIET = "green", "red", "dim"


@dataclass(frozen=True, slots=True)
class Row:
    """One symbol."""

    symbol: str
    score: SymbolScore
    trail: Trail
    fresh: bool
    """Whether its last bar closed a moment ago."""


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    cell: Callable[[Row, Prediction, int], Text]
    """Of a row, what was predicted of it, and how many characters a sparkline has."""

    least_width: int = 0
    """Columns that a terminal must have to show it."""

    right: bool = False


def table(rows: Iterable[Row], *, width: int) -> Table:
    """The rows, in a terminal of this width: 80 columns are enough."""
    columns = [column for column in _COLUMNS if column.least_width <= width]
    bars = 12 if width < 100 else min(40, 12 + (width - 96) // 3)
    gap = 1 if width < 100 else 2
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))
    for column in columns:
        made.add_column(column.title, justify="right" if column.right else "left", no_wrap=True)
    for row in rows:
        made.add_row(*_cells(row, columns, bars))
    return made


def _cells(row: Row, columns: Sequence[_Column], bars: int) -> list[Text]:
    prediction = row.score.prediction
    symbol = Text(row.symbol, style="bold" if row.fresh else "")
    if prediction is None or row.score.refusal:
        # The reason is below the table, where it has room.
        return [symbol, Text("no prediction", style="yellow")]
    return [column.cell(row, prediction, bars) for column in columns]


def _symbol(row: Row, _prediction: Prediction, _bars: int) -> Text:
    return Text(row.symbol, style="bold reverse" if row.fresh else "bold")


def _closes(row: Row, _prediction: Prediction, bars: int) -> Text:
    return Text(sparkline.levels(list(row.trail.closes)[-bars:]), style="cyan")


def _moves(row: Row, _prediction: Prediction, bars: int) -> Text:
    moves = list(row.trail.moves)[-min(bars, 8) :]
    signed = zip(sparkline.moves(moves), moves, strict=True)
    return Text.assemble(*((bar, _direction(move)) for bar, move in signed))


def _held(row: Row, _prediction: Prediction, bars: int) -> Text:
    marks = list(row.trail.held)[-min(bars, 8) :]
    return Text.assemble(*(("✓", UP) if held else ("✗", DOWN) for held in marks))


def _share(row: Row, _prediction: Prediction, _bars: int) -> Text:
    tally = row.score.in_band
    return Text(f"{tally.true / tally.total:.0%}" if tally.total else "-")


def _right(row: Row, _prediction: Prediction, _bars: int) -> Text:
    return Text(str(row.score.direction))


def _as_of(_row: Row, prediction: Prediction, _bars: int) -> Text:
    return Text(instant(prediction.as_of_time), style=QUIET)


def _close(_row: Row, prediction: Prediction, _bars: int) -> Text:
    return Text(price(prediction.last_close))


def _predicted(_row: Row, prediction: Prediction, _bars: int) -> Text:
    return Text(price(prediction.predicted_price))


def _move(_row: Row, prediction: Prediction, _bars: int) -> Text:
    move = prediction.predicted_return
    return Text(percent(move), style=_direction(move))


def _band(_row: Row, prediction: Prediction, _bars: int) -> Text:
    band = prediction.price_interval
    return Text(f"{price(band.lower)} to {price(band.upper)}" if band else "-")


def _direction(move: float) -> str:
    return UP if move > 0 else DOWN


_COLUMNS = (
    _Column("symbol", _symbol),
    _Column("as of", _as_of, least_width=100),
    _Column("closes", _closes),
    _Column("close", _close, right=True),
    _Column("predicted", _predicted, right=True),
    _Column("move", _move, right=True),
    _Column("band", _band, least_width=110, right=True),
    _Column("moves", _moves),
    _Column("in band", _held),
    _Column("held", _share, right=True),
    _Column("direction right", _right, least_width=130),
)
