"""Standard output with rich, in a module of its own: it takes a while to import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from tickcast.cli.output import ReaderGone

# What a pipe is given, so that no column of a table is cut.
_WIDE = 10_000


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise ReaderGone


def console() -> Console:
    """Standard output."""
    made = _Console(highlight=False)
    return made if made.is_terminal else _Console(highlight=False, width=_WIDE)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Columns whose title begins with ">" are aligned to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        right = column.startswith(">")
        made.add_column(
            column.removeprefix(">"), justify="right" if right else "left", no_wrap=True
        )
    for row in rows:
        made.add_row(*row)
    return made
