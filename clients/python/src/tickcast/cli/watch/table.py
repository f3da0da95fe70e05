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
from tickcast.cli.watch.trail import LONGEST, Trail

UP, DOWN, QUIET = "green", "red", "dim"

# A terminal of so many columns has room for wider gaps.
_ROOMY = 100

_FEWEST_CLOSES = 12

# Predictions that are shown one by one.
_RECENT = 8


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
    """Of a row, what was predicted of it, and how many characters the closes have."""

    width: int
    """Characters that it needs."""

    rank: int = 0
    """Columns of rank 0 are always there; of the others, the lowest that fit."""

    right: bool = False


def table(rows: Iterable[Row], *, width: int) -> Table:
    """The rows, in a terminal of this width: 80 columns are enough."""
    gap = 1 if width < _ROOMY else 2
    columns, spare = _that_fit(width, gap)
    bars = min(LONGEST, _FEWEST_CLOSES + spare)
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))
    for column in columns:
        made.add_column(column.title, justify="right" if column.right else "left", no_wrap=True)
    for row in rows:
        made.add_row(*_cells(row, columns, bars))
    return made


def _that_fit(width: int, gap: int) -> tuple[list[_Column], int]:
    """The columns, and how many characters are left."""
    found = [column for column in _COLUMNS if column.rank == 0]
    spare = width - sum(column.width + gap for column in found)
    for column in sorted(_COLUMNS, key=lambda column: column.rank):
        if column.rank and column.width + gap <= spare:
            found.append(column)
            spare -= column.width + gap
    return sorted(found, key=_COLUMNS.index), max(0, spare)


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


def _moves(row: Row, _prediction: Prediction, _bars: int) -> Text:
    moves = list(row.trail.moves)[-_RECENT:]
    signed = zip(sparkline.moves(moves), moves, strict=True)
    return Text.assemble(*((bar, _direction(move)) for bar, move in signed))


def _held(row: Row, _prediction: Prediction, _bars: int) -> Text:
    marks = list(row.trail.held)[-_RECENT:]
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
    _Column("symbol", _symbol, 8),
    _Column("as of", _as_of, 19, rank=1),
    _Column("closes", _closes, _FEWEST_CLOSES),
    _Column("close", _close, 9, right=True),
    _Column("predicted", _predicted, 9, right=True),
    _Column("move", _move, 7, right=True),
    _Column("band", _band, 22, rank=2, right=True),
    _Column("moves", _moves, _RECENT),
    _Column("in band", _held, _RECENT),
    _Column("held", _share, 5, right=True),
    _Column("direction right", _right, 18, rank=3),
)
