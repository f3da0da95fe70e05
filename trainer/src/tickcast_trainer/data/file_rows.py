"""Rows of CSV and Parquet files as they stand there: not adjusted, not refused, only read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from tickcast_trainer.errors import BarSourceError, UnusableRows
from tickcast_trainer.sources.columns import BarRows, BarTable, read_columns
from tickcast_trainer.sources.csv import read_file as read_csv_file
from tickcast_trainer.sources.files import find_files
from tickcast_trainer.sources.parquet import read_file as read_parquet_file
from tickcast_trainer.sources.received import ReceivedBars

_Reader = Callable[[Path], BarTable]

READERS: Mapping[str, tuple[tuple[str, ...], _Reader]] = MappingProxyType(
    {
        "csv": ((".csv", ".csv.gz"), read_csv_file),
        "parquet": ((".parquet",), read_parquet_file),
    }
)
"""Source to the suffixes of its files and what reads one."""


def read_file_rows(source: str, location: str) -> list[tuple[str, ReceivedBars]]:
    """Return the rows of each symbol of each file.

    Raises BarsNotFound, MissingColumns, BarSourceError and UnusableRows: a value that cannot be
    read has no place in any layer.
    """
    suffixes, reader = READERS[source]
    read = [read_columns(reader(path)) for path in find_files(location, suffixes=suffixes)]
    if problems := list(chain.from_iterable(found for _, found in read)):
        raise UnusableRows(problems)
    return [part for rows, _ in read for part in _by_symbol(rows)]


def infer_timeframe(parts: Sequence[ReceivedBars]) -> str:
    """Return the most frequent distance between two bars. Raises BarSourceError without any.

    Not the smallest, as where bars are read to be used: a row off the grid is to be found, and not
    to make the grid.
    """
    distances = np.concatenate([np.diff(np.unique(part.open_time)) for part in parts])
    if not len(distances):
        raise BarSourceError("timeframe: was absent, needed, as no symbol has two bars")
    values, counts = np.unique(distances, return_counts=True)
    seconds = int(values[counts.argmax()])
    units = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
    unit, size = next((unit, size) for unit, size in units if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _by_symbol(rows: BarRows) -> Iterator[tuple[str, ReceivedBars]]:
    codes, symbols = pd.factorize(rows.symbol)
    for code, symbol in enumerate(symbols):
        part = rows.take(np.flatnonzero(codes == code))
        count = len(part.row)
        adjusted = part.adjusted_close
        yield (
            str(symbol),
            ReceivedBars(
                open_time=part.open_time,
                close_time=part.close_time,
                ohlcv=part.ohlcv,
                adjusted_close=np.full(count, np.nan) if adjusted is None else adjusted,
                provenance=np.full(count, rows.location, dtype=object),
                row=part.row,
            ),
        )
