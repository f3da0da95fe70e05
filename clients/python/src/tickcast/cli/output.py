"""How answers are written: tables for people, a JSON object a line for programs."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from tickcast._errors import TickcastError

JsonFlag: TypeAlias = Annotated[
    bool, typer.Option("--json", help="One JSON object a line, for programs.")
]

# What a pipe is given, so that no column of a table is cut.
_WIDE = 200


def console() -> Console:
    """Standard output."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=_WIDE)


def complain(message: str) -> None:
    """Says what went wrong, on standard error."""
    print(f"tickcast: {message}", file=sys.stderr)


def write_json(value: object) -> None:
    """One line of JSON."""
    print(json.dumps(_plain(value), allow_nan=False), flush=True)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns whose title begins with ">" are aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        right = column.startswith(">")
        table.add_column(
            column.removeprefix(">"), justify="right" if right else "left", no_wrap=True
        )
    for row in rows:
        table.add_row(*row)
    console().print(table)


def instant(value: datetime | None) -> str:
    """Date alone where the time of day is midnight, as for daily bars."""
    if value is None:
        return "-"
    if not (value.hour or value.minute or value.second):
        return f"{value:%Y-%m-%d}"
    return f"{value:%Y-%m-%d %H:%M:%S}"


def price(value: float | None) -> str:
    """Cents; more digits of a small price, so that a tenth of a percent is seen."""
    if value is None:
        return "-"
    if abs(value) >= 10:
        return f"{value:,.2f}"
    return f"{value:.4f}" if abs(value) >= 0.1 else f"{value:.4g}"


def percent(value: float | None) -> str:
    """A share or a return, signed where it is a change."""
    return "-" if value is None else f"{value:+.2%}"


def _plain(value: object) -> Any:  # noqa: PLR0911  # one for each kind of value
    match value:
        case TickcastError():
            return {
                "code": value.code.name,
                "reason": value.reason,
                "message": str(value),
                "violations": _plain(value.violations),
            }
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value)]
            return {name: _plain(getattr(value, name)) for name in names}
        case _:
            return value
