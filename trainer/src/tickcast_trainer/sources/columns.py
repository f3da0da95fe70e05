"""The columns of one file, read into arrays, with every value that cannot be read named."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tickcast_modelkit.bars import BAR_COLUMNS, check_symbol
from tickcast_modelkit.errors import InvalidSymbol

from tickcast_trainer.errors import BarSourceError, MissingColumns, RowProblem
from tickcast_trainer.sources.instants import parse_instants

_log = logging.getLogger(__name__)

_TIME_COLUMNS = ("time", "date", "timestamp", "open_time")
_OPTIONAL_COLUMNS = ("symbol", "adj_close", "close_time")
_SYMBOL_NEEDED = "1 to 64 letters, digits or any of . _ : / = ^ -"
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarTable:
    """The rows of one file, before any of them is believed."""

    location: str
    """File, as messages name it."""

    frame: pd.DataFrame
    """Columns as the file names them, values as the file holds them (text for CSV)."""

    first_row: int
    """Number by which messages call the first row: 2 in a CSV file, whose header is line 1."""

    symbol: str
    """Symbol of every row where the file has no symbol column."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarRows:
    """Rows of one file as arrays, each row knowing where it came from."""

    location: str
    names: Mapping[str, str]
    """Our name of a column to the file's."""

    row: NDArray[np.int64]
    symbol: NDArray[np.object_]
    open_time: NDArray[np.int64]
    close_time: NDArray[np.int64] | None
    ohlcv: NDArray[np.float64]
    adjusted_close: NDArray[np.float64] | None

    def take(self, positions: NDArray[np.intp]) -> "BarRows":
        """Return the rows at ``positions``, in that order."""
        close, adjusted = self.close_time, self.adjusted_close
        return replace(
            self,
            row=self.row[positions],
            symbol=self.symbol[positions],
            open_time=self.open_time[positions],
            close_time=None if close is None else close[positions],
            ohlcv=self.ohlcv[positions],
            adjusted_close=None if adjusted is None else adjusted[positions],
        )

    def problem(self, position: int, column: str, was: str, needed: str) -> RowProblem:
        """Name what is wrong with the row at ``position``."""
        return RowProblem(
            location=self.location,
            row=int(self.row[position]),
            column=self.names.get(column, column),
            was=was,
            needed=needed,
        )


def read_columns(table: BarTable) -> tuple[BarRows, list[RowProblem]]:
    """Read the known columns of a file; others are ignored.

    A value that cannot be read is replaced by one that can and named in the problems. Raises
    MissingColumns, and BarSourceError where two columns mean the same.
    """
    reader = _Reader(table)
    names = reader.names
    rows = BarRows(
        location=table.location,
        names=names,
        row=np.arange(table.first_row, table.first_row + len(table.frame)),
        symbol=reader.symbols(),
        open_time=reader.open_times(),
        close_time=reader.close_times() if "close_time" in names else None,
        ohlcv=np.column_stack([reader.numbers(column) for column in BAR_COLUMNS]),
        adjusted_close=reader.positive_numbers("adj_close") if "adj_close" in names else None,
    )
    return rows, reader.problems


def _find_columns(table: BarTable) -> dict[str, str]:
    known = {*_TIME_COLUMNS, *BAR_COLUMNS, *_OPTIONAL_COLUMNS}
    found = [str(name) for name in table.frame.columns]
    names: dict[str, str] = {}
    for name in found:
        plain = name.strip().lower().replace(" ", "_")
        column = "open_time" if plain in _TIME_COLUMNS else plain
        if column in names:
            raise BarSourceError(
                f"{table.location}: columns were {names[column]} and {name}, needed one of the two"
            )
        if plain in known:
            names[column] = name
    missing = [column for column in ("open_time", *BAR_COLUMNS) if column not in names]
    if missing:
        time = f"a time ({', '.join(_TIME_COLUMNS)})"
        needed = [time if column == "open_time" else column for column in missing]
        raise MissingColumns(table.location, found, needed)
    return names


class _Reader:
    def __init__(self, table: BarTable) -> None:
        self._table = table
        self.names = _find_columns(table)
        self.problems: list[RowProblem] = []

    def open_times(self) -> NDArray[np.int64]:
        microseconds = self._instants("open_time")
        self._note(np.flatnonzero(microseconds % _MICROSECONDS), "open_time", "whole seconds")
        return microseconds // _MICROSECONDS

    def close_times(self) -> NDArray[np.int64]:
        # Exchanges write the last millisecond of a bar, 23:59:59.999, for the end of its slot.
        return -(-self._instants("close_time") // _MICROSECONDS)

    def numbers(self, column: str) -> NDArray[np.float64]:
        values = _to_numbers(self._column(column))
        unreadable = ~np.isfinite(values)
        self._note(np.flatnonzero(unreadable), column, "a finite number")
        return np.where(unreadable, 1.0, values)

    def positive_numbers(self, column: str) -> NDArray[np.float64]:
        values = self.numbers(column)
        self._note(np.flatnonzero(values <= 0.0), column, "a number above 0")
        return values

    def symbols(self) -> NDArray[np.object_]:
        if "symbol" not in self.names:
            self._check_file_name()
            return np.full(len(self._table.frame), self._table.symbol, dtype=object)
        codes, found = pd.factorize(self._column("symbol").fillna("").astype("str"))
        for code, symbol in enumerate(found):
            try:
                check_symbol(symbol)
            except InvalidSymbol:
                self._note(np.flatnonzero(codes == code), "symbol", _SYMBOL_NEEDED)
        return np.asarray(found, dtype=object)[codes]

    def _check_file_name(self) -> None:
        try:
            check_symbol(self._table.symbol)
        except InvalidSymbol as error:
            raise BarSourceError(
                f"{self._table.location}: was without a column symbol, "
                f"needed one or a symbol as the file's name: {_SYMBOL_NEEDED}"
            ) from error

    def _column(self, column: str) -> "pd.Series[Any]":
        values: pd.Series[Any] = self._table.frame[self.names[column]]
        return values

    def _instants(self, column: str) -> NDArray[np.int64]:
        instants = parse_instants(self._column(column))
        for position, needed in instants.problems:
            self._note([position], column, needed)
        if instants.zoneless:
            _log.info(
                "%s: times in column %s have no zone and are read as UTC; write one to change it",
                self._table.location,
                self.names[column],
            )
        return instants.microseconds

    def _note(self, positions: Iterable[int], column: str, needed: str) -> None:
        values = self._column(column)
        for position in positions:
            was = values.iloc[position]
            self.problems.append(
                RowProblem(
                    location=self._table.location,
                    row=self._table.first_row + int(position),
                    column=self.names[column],
                    was="empty" if pd.isna(was) or was == "" else repr(was),
                    needed=needed,
                )
            )


def _to_numbers(column: "pd.Series[Any]") -> NDArray[np.float64]:
    numbers = pd.to_numeric(column, errors="coerce")
    return np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
