"""Silver: one valid, adjusted bar for each slot of a symbol, and what was noticed on the way.

Everything is a function of bronze, the precedence of the sources and the rules here. A file that is
missing or damaged is made again from bronze.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tickcast_modelkit.bars import BAR_COLUMNS, BarSeries
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.data.bronze import bronze_paths, read_bronze
from tickcast_trainer.data.derived import DerivedFiles
from tickcast_trainer.data.errors import CorruptPartition
from tickcast_trainer.data.findings import Finding, from_table, to_table
from tickcast_trainer.data.gaps import find_gaps
from tickcast_trainer.data.instants import INSTANT, from_column, to_column
from tickcast_trainer.data.layout import BRONZE, SILVER, SeriesKey, list_series
from tickcast_trainer.data.merge import merge
from tickcast_trainer.data.outliers import THRESHOLD, outlier_scores
from tickcast_trainer.data.periods import periods_of
from tickcast_trainer.data.precedence import by_precedence
from tickcast_trainer.data.source_series import source_series

RULES = 1
"""Raised when the same bronze would give other rows than before."""

_FINDINGS = "findings.parquet"
_GAPS = "gaps.parquet"
_CLOSE = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SilverBars:
    """The reconciled bars of one symbol."""

    series: BarSeries
    traded_close: NDArray[np.float64]
    """Close as the bar's source told it, shape (n,)."""

    source: NDArray[np.object_]
    """Which source each bar is from, shape (n,)."""

    score: NDArray[np.float64]
    """The largest move of each bar in scales of the bars before it, shape (n,)."""

    outlier: NDArray[np.bool_]
    """Whether the score is beyond the threshold, shape (n,)."""


def silver_files(root: Path, key: SeriesKey) -> DerivedFiles:
    """Return the silver files of a series."""
    return DerivedFiles(key.below(root / SILVER))


def build_silver(
    root: Path, key: SeriesKey, precedence: Sequence[str], *, verify: bool = False
) -> bool:
    """Make what is missing or no longer current; whether any file was written.

    With ``verify`` files that seem current are read, and made again where they are damaged. Raises
    CorruptPartition where bronze itself is.
    """
    files = silver_files(root, key)
    inputs = _digest(
        RULES, str(key), precedence, [p.name for p in bronze_paths(root / BRONZE, key)]
    )
    is_current = all(files.is_current(name, inputs) for name in files.index if name != _GAPS)
    if is_current and files.is_current(_FINDINGS, inputs) and not verify:
        return False
    timeframe = Timeframe.parse(key.timeframe)
    series, findings = source_series(read_bronze(root / BRONZE, key), timeframe)
    tables: dict[str, pa.Table] = {}
    if series:
        ranks = by_precedence((one.source for one in series), precedence)
        merged, found = merge(sorted(series, key=lambda one: ranks.index(one.source)))
        findings += found
        scores = outlier_scores(merged.ohlcv)
        table = pa.table(
            {
                "open_time": to_column(merged.open_time),
                "close_time": to_column(merged.close_time),
                **{name: merged.ohlcv[:, index] for index, name in enumerate(BAR_COLUMNS)},
                "traded_close": merged.traded_close,
                "source": pa.array(merged.source, pa.string()),
                "score": scores,
                "outlier": scores > THRESHOLD,
            }
        )
        periods = periods_of(merged.open_time, timeframe)
        for period in np.unique(periods).tolist():
            tables[f"period={period}/bars.parquet"] = table.filter(pa.array(periods == period))
    # Last, as it tells that all bars are there.
    findings.sort(key=lambda one: (one.kind, one.source, one.start, one.detail))
    tables[_FINDINGS] = to_table(findings)
    written = [files.write(name, rows, inputs) for name, rows in tables.items()]
    files.keep_only([*tables, _GAPS])
    return any(written)


def build_gaps(root: Path, timeframe: str) -> None:
    """List the gaps of every symbol of a timeframe: they depend on one another's trading days."""
    keys = [key for key in list_series(root / SILVER) if key.timeframe == timeframe]
    files = {key: silver_files(root, key) for key in keys}
    inputs = _digest([(str(key), _bar_digests(one)) for key, one in files.items()])
    stale = [key for key, one in files.items() if not one.is_current(_GAPS, inputs)]
    if not stale:
        return
    open_times = {
        key.symbol: times for key in keys if len(times := read_silver(root, key).series.open_time)
    }
    found = find_gaps(open_times, Timeframe.parse(timeframe))
    for key in stale:
        gaps, expected = found.get(key.symbol, ([], 0))
        table = to_table(gaps).append_column(
            "expected_bars", pa.array([expected] * len(gaps), pa.int64())
        )
        files[key].write(_GAPS, table, inputs)


def read_silver(root: Path, key: SeriesKey) -> SilverBars:
    """Return the bars of a series. Raises CorruptPartition."""
    files = silver_files(root, key)
    names = sorted(name for name in files.index if name.startswith("period="))
    tables = [files.read(name) for name in names]
    return _bars_of(key, pa.concat_tables(tables) if tables else None)


def open_silver(root: Path, key: SeriesKey, precedence: Sequence[str]) -> SilverBars:
    """Return the bars of a series, made from bronze where they are not current or damaged.

    Raises CorruptPartition where bronze itself is damaged.
    """
    build_silver(root, key, precedence)
    try:
        return read_silver(root, key)
    except CorruptPartition as error:
        _log.warning("%s; %s is made again from bronze", error, key)
        build_silver(root, key, precedence, verify=True)
        return read_silver(root, key)


def read_findings(root: Path, key: SeriesKey) -> list[Finding]:
    """Return what was noticed while the series was reconciled. Raises CorruptPartition."""
    return from_table(silver_files(root, key).read(_FINDINGS))


def read_gaps(root: Path, key: SeriesKey) -> tuple[list[Finding], int]:
    """Return the gaps, and how many bars were to be expected in all (0 without a gap).

    Raises CorruptPartition.
    """
    table = silver_files(root, key).read(_GAPS)
    expected = int(table.column("expected_bars")[0].as_py()) if len(table) else 0
    return from_table(table.drop_columns(["expected_bars"])), expected


def _bars_of(key: SeriesKey, table: pa.Table | None) -> SilverBars:
    rows = table if table is not None else _EMPTY
    return SilverBars(
        series=BarSeries.checked(
            symbol=key.symbol,
            timeframe=Timeframe.parse(key.timeframe),
            open_time=from_column(rows.column("open_time")),
            close_time=from_column(rows.column("close_time")),
            ohlcv=np.column_stack([rows.column(name).to_numpy() for name in BAR_COLUMNS]),
        ),
        traded_close=rows.column("traded_close").to_numpy(),
        source=np.asarray(rows.column("source").to_pylist(), dtype=object),
        score=rows.column("score").to_numpy(),
        outlier=np.asarray(rows.column("outlier"), dtype=np.bool_),
    )


_EMPTY = pa.schema(
    [
        ("open_time", INSTANT),
        ("close_time", INSTANT),
        *((name, pa.float64()) for name in (*BAR_COLUMNS, "traded_close", "score")),
        ("source", pa.string()),
        ("outlier", pa.bool_()),
    ]
).empty_table()


def _bar_digests(files: DerivedFiles) -> list[str]:
    return [made.digest for name, made in sorted(files.index.items()) if name.startswith("period=")]


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
