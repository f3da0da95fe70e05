"""Bars from Parquet files: one of one or many symbols, or a folder of files named by symbol."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tickcast_modelkit.bars import BarSeries

from tickcast_trainer.errors import BarSourceError
from tickcast_trainer.sources.columns import BarTable
from tickcast_trainer.sources.files import find_files, symbol_of
from tickcast_trainer.sources.table import read_tables


def open(location: str, *, timeframe: str | None = None) -> list[BarSeries]:
    """Read bars from Parquet, with the columns that the CSV source knows.

    Times may be timestamps, dates, text or integers since the Unix epoch. Raises BarSourceError.
    """
    files = find_files(location, suffixes=(".parquet",))
    return read_tables([read_file(file) for file in files], timeframe=timeframe)


def read_file(path: Path) -> BarTable:
    """Read one Parquet file as it is. Raises BarSourceError."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise BarSourceError(
            f"{path}: was no readable Parquet file ({error}), needed one"
        ) from error
    # The pandas metadata would turn a time that was an index back into one, and out of the columns.
    frame = table.to_pandas(ignore_metadata=True)
    return BarTable(location=str(path), frame=frame, first_row=1, symbol=symbol_of(path))
