"""Bronze: rows as they were received, with source and arrival; files are added, never changed.

A file is named by the digest of its source and rows. Rows that are received again add nothing, so
that an import can be repeated, or go on after it was interrupted. The digest leaves the arrival
out: the first one counts, also where a source goes back to what it had told before.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from tickcast_modelkit.bars import BAR_COLUMNS
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.data.errors import CorruptPartition
from tickcast_trainer.data.instants import INSTANT, from_column, to_column
from tickcast_trainer.data.layout import SeriesKey, period_folder
from tickcast_trainer.data.periods import periods_of
from tickcast_trainer.data.sealed import content_digest, read_sealed, write_sealed
from tickcast_trainer.sources.received import ReceivedBars

_DIGITS = 20
_NOT_IN_NAME = ("arrival_time", "provenance", "row")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BronzeFile:
    """Rows of one source that arrived together, of one symbol and period."""

    path: Path
    source: str
    arrival_time: int
    """Seconds since the Unix epoch."""

    bars: ReceivedBars


def add_received(
    layer: Path, key: SeriesKey, source: str, bars: ReceivedBars, *, arrival_time: int
) -> int:
    """Write the rows that are not held yet, a file for each period; return how many files it wrote.

    A file that is held but damaged is written again.
    """
    periods = periods_of(bars.open_time, Timeframe.parse(key.timeframe))
    written = 0
    for period in np.unique(periods).tolist():
        table = _table(bars.take(periods == period), source, arrival_time)
        name = _name(table)
        path = period_folder(key.below(layer), period) / f"{name}.parquet"
        if not _is_held(path, name):
            write_sealed(path, table)
            written += 1
    return written


def bronze_paths(layer: Path, key: SeriesKey) -> list[Path]:
    """Return the files of a series, ordered by period and name."""
    return sorted(key.below(layer).glob("period=*/*.parquet"))


def read_bronze(layer: Path, key: SeriesKey) -> Iterator[BronzeFile]:
    """Yield the files of a series. Raises CorruptPartition."""
    for path in bronze_paths(layer, key):
        yield read_bronze_file(path)


def read_bronze_file(path: Path) -> BronzeFile:
    """Read one file. Raises CorruptPartition, also when it is not the one that its name tells."""
    table, _ = read_sealed(path)
    if _name(table) != path.stem:
        raise CorruptPartition(path, "of other rows than its name tells")
    close = table.column("close_time")
    return BronzeFile(
        path=path,
        source=table.column("source")[0].as_py(),
        arrival_time=int(from_column(table.column("arrival_time"))[0]),
        bars=ReceivedBars(
            open_time=from_column(table.column("open_time")),
            close_time=None if close.null_count else from_column(close),
            ohlcv=np.column_stack([table.column(name).to_numpy() for name in BAR_COLUMNS]),
            adjusted_close=table.column("adjusted_close").to_numpy(zero_copy_only=False),
            provenance=np.asarray(table.column("provenance").to_pylist(), dtype=object),
            row=table.column("row").to_numpy(),
        ),
    )


def _table(bars: ReceivedBars, source: str, arrival_time: int) -> pa.Table:
    count = len(bars)
    close = pa.nulls(count, INSTANT) if bars.close_time is None else to_column(bars.close_time)
    adjusted = pa.array(bars.adjusted_close, mask=np.isnan(bars.adjusted_close))
    return pa.table(
        {
            "open_time": to_column(bars.open_time),
            "close_time": close,
            **{name: bars.ohlcv[:, index] for index, name in enumerate(BAR_COLUMNS)},
            "adjusted_close": adjusted,
            "source": pa.array([source] * count, pa.string()),
            "arrival_time": to_column(np.full(count, arrival_time)),
            "provenance": pa.array(bars.provenance, pa.string()),
            "row": bars.row,
        }
    )


def _name(table: pa.Table) -> str:
    # Where rows stood in a file or answer says nothing of their values, so it is no part of it.
    digest = content_digest(table.drop_columns(list(_NOT_IN_NAME)))
    return hashlib.sha256(digest.encode()).hexdigest()[:_DIGITS]


def _is_held(path: Path, name: str) -> bool:
    if not path.exists():
        return False
    try:
        return _name(read_sealed(path)[0]) == name
    except CorruptPartition:
        return False
