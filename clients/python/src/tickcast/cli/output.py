"""How answers are written: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from tickcast.cli.plain import at, paths, plain
from tickcast.cli.session import BadUsage


class OutputForm(StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


OutputOption: TypeAlias = Annotated[
    OutputForm | None,
    typer.Option(
        "--output",
        "-o",
        help="table for people, json for an object a line, csv for a header and rows. "
        "By default table.",
        show_default=False,
    ),
]

JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Short for --output json.")]


class ReaderGone(Exception):
    """Nobody reads standard output any more, as after `| head`."""


def output_form(output: OutputForm | None, as_json: bool) -> OutputForm:
    """The form that the two options ask for together. Raises `BadUsage`."""
    if not as_json:
        return output or OutputForm.TABLE
    if output not in {None, OutputForm.JSON}:
        raise BadUsage(f"--output: was {output} together with --json, needed one of them")
    return OutputForm.JSON


def write(
    form: OutputForm, records: Sequence[object], *, kind: type, show: Callable[[], None]
) -> None:
    """Writes values of the dataclass `kind` for programs, or has them shown to people."""
    match form:
        case OutputForm.JSON:
            for record in records:
                write_json(record)
        case OutputForm.CSV:
            rows = CsvRows(kind)
            for record in records:
                rows.write(record)
        case OutputForm.TABLE:
            show()


def write_json(value: object) -> None:
    """One line of JSON."""
    say(json.dumps(plain(value), allow_nan=False))


class CsvRows:
    """Rows under a header, as RFC 4180 has them, each written when it is known.

    The columns are the names of JSON, those inside another with a dot. A list or mapping is JSON in
    its cell, what is missing an empty one.
    """

    def __init__(self, kind: type) -> None:
        self._paths = paths(kind)
        self._writer = csv.writer(sys.stdout)
        self._row(self._paths)

    def write(self, record: object) -> None:
        """One row."""
        self._row([_cell(at(record, path)) for path in self._paths])

    def _row(self, cells: Sequence[str]) -> None:
        with _read_by_somebody():
            self._writer.writerow(cells)
            sys.stdout.flush()


def _cell(value: object) -> str:
    found = plain(value)
    if found is None:
        return ""
    return found if isinstance(found, str) else json.dumps(found, allow_nan=False)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns whose title begins with ">" are aligned to the right."""
    from tickcast.cli.terminal import console, table

    console().print(table(columns, rows))


def say(line: str) -> None:
    """A line on standard output, at once."""
    with _read_by_somebody():
        print(line, flush=True)


def complain(message: str) -> None:
    """Says what went wrong, on standard error."""
    print(f"tickcast: {message}", file=sys.stderr)


@contextmanager
def _read_by_somebody() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error
