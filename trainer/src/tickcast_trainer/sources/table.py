"""From the rows of some files to one validated series per symbol."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
import pandas as pd
from tickcast_modelkit.bars import BarSeries, find_bar_problems
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.errors import BarSourceError, RowProblem, UnusableRows
from tickcast_trainer.sources.adjust import adjust_for_splits
from tickcast_trainer.sources.columns import BarRows, BarTable, read_columns

_TIMEFRAME_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def read_tables(tables: Sequence[BarTable], *, timeframe: str | None) -> list[BarSeries]:
    """Turn the rows of some files into one series per symbol, ordered by symbol.

    Rows may come in any order; a symbol's rows must all be in one file. Prices are adjusted where a
    file has ``adj_close``. Without ``timeframe`` it is the smallest distance between two bars of a
    symbol. Raises MissingColumns, UnusableRows (every bad row of every file), BarSourceError and
    InvalidTimeframe.
    """
    read = [read_columns(table) for table in tables]
    _refuse(chain.from_iterable(problems for _, problems in read))
    by_symbol = [rows for table, _ in read for rows in _split(table)]
    if not by_symbol:
        raise BarSourceError(f"{tables[0].location}: was without rows, needed bars")
    _refuse_scattered(by_symbol)
    _refuse(problem for rows in by_symbol for problem in _duplicates(rows))
    agreed = Timeframe.parse(timeframe) if timeframe else _infer_timeframe(by_symbol)
    _refuse(problem for rows in by_symbol for problem in _bar_problems(rows, agreed))
    return sorted((_series(rows, agreed) for rows in by_symbol), key=lambda series: series.symbol)


def _refuse(problems: Iterable[RowProblem]) -> None:
    if found := list(problems):
        raise UnusableRows(found)


def _split(rows: BarRows) -> Iterator[BarRows]:
    codes, symbols = pd.factorize(rows.symbol)
    order = np.lexsort((rows.open_time, codes))
    for code in range(len(symbols)):
        yield rows.take(order[codes[order] == code])


def _refuse_scattered(by_symbol: Sequence[BarRows]) -> None:
    holders: dict[str, str] = {}
    for rows in by_symbol:
        symbol = rows.symbol[0]
        if symbol in holders:
            raise BarSourceError(
                f"symbol {symbol}: was in {holders[symbol]} and in {rows.location}, "
                "needed in one file"
            )
        holders[symbol] = rows.location


def _duplicates(rows: BarRows) -> Iterator[RowProblem]:
    for position in (np.flatnonzero(np.diff(rows.open_time) == 0) + 1).tolist():
        time = np.datetime64(int(rows.open_time[position]), "s")
        was = f"{time}Z as in row {rows.row[position - 1]}"
        needed = f"one bar of {rows.symbol[position]} at a time"
        yield rows.problem(position, "open_time", was, needed)


def _infer_timeframe(by_symbol: Sequence[BarRows]) -> Timeframe:
    gaps = [int(np.diff(rows.open_time).min()) for rows in by_symbol if len(rows.row) > 1]
    if not gaps:
        raise BarSourceError(
            "timeframe: was absent, needed, as no symbol has two bars to infer it from"
        )
    seconds = min(gaps)
    unit, size = next((unit, size) for unit, size in _TIMEFRAME_UNITS if seconds % size == 0)
    return Timeframe.parse(f"{seconds // size}{unit}")


def _bar_problems(rows: BarRows, timeframe: Timeframe) -> Iterator[RowProblem]:
    close = rows.open_time + timeframe.seconds if rows.close_time is None else rows.close_time
    for found in find_bar_problems(rows.open_time, close, rows.ohlcv, timeframe):
        yield rows.problem(found.row, found.column, found.value, found.needed)


def _series(rows: BarRows, timeframe: Timeframe) -> BarSeries:
    adjusted = rows.adjusted_close
    return BarSeries.checked(
        symbol=rows.symbol[0],
        timeframe=timeframe,
        open_time=rows.open_time,
        close_time=rows.close_time,
        ohlcv=rows.ohlcv if adjusted is None else adjust_for_splits(rows.ohlcv, adjusted),
    )
