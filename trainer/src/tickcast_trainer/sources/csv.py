"""Bars from CSV files: one file of one or many symbols, or a folder of files named by symbol."""

import re
from pathlib import Path

import pandas as pd
from tickcast_modelkit.bars import BarSeries

from tickcast_trainer.errors import BarSourceError
from tickcast_trainer.sources.columns import BarTable
from tickcast_trainer.sources.files import find_files, symbol_of
from tickcast_trainer.sources.table import read_tables


def open(location: str, *, timeframe: str | None = None) -> list[BarSeries]:
    """Read comma-separated bars under a header line; ``.gz`` is unpacked.

    Columns, in any case and order: time (or date, timestamp, open_time), open, high, low, close,
    volume; optionally symbol, adj_close, close_time. Others are ignored. Raises BarSourceError.
    """
    files = find_files(location, suffixes=(".csv", ".csv.gz"))
    return read_tables([read_file(file) for file in files], timeframe=timeframe)


def read_file(path: Path) -> BarTable:
    """Read one CSV file as it is. Raises BarSourceError."""
    try:
        # All of it as text, the header as the first row and blank lines kept: only then is a row's
        # line in the file known, a line that is too long refused, a column that comes twice seen.
        lines = pd.read_csv(
            path,
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except (OSError, UnicodeDecodeError, pd.errors.EmptyDataError) as error:
        raise BarSourceError(f"{path}: was no readable CSV file ({error}), needed one") from error
    except pd.errors.ParserError as error:
        raise BarSourceError(_describe(path, error)) from error
    filled = (lines != "").any(axis=1)
    rows = lines.iloc[1 : filled[filled].index.max() + 1]
    return BarTable(
        location=str(path),
        frame=rows.set_axis(lines.iloc[0], axis="columns"),
        first_row=2,
        symbol=symbol_of(path),
    )


def _describe(path: Path, error: pd.errors.ParserError) -> str:
    too_long = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    if too_long is None:
        return f"{path}: was no readable CSV file ({str(error).strip()}), needed one"
    needed, row, found = too_long.groups()
    return f"{path}, row {row}: was {found} values, needed {needed} as in the header"
