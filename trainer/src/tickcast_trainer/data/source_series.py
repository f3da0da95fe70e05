"""One source's series out of everything that it ever sent: the latest word on every bar.

Each arrival has a basis of its own: an adjusted close is relative to the day on which it was told,
and a vendor that undoes splits tells other prices after the next one. Arrivals are therefore put on
the newest basis by the bars that they share, or, where they share none, as if nothing had happened
between their neighbouring bars.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import find_bar_problems
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.data.bronze import BronzeFile
from tickcast_trainer.data.findings import Finding, Kind
from tickcast_trainer.sources.adjust import adjust_for_splits

_CLOSE = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceSeries:
    """Valid bars of one source, ascending, one for each open time, adjusted."""

    source: str
    open_time: NDArray[np.int64]
    close_time: NDArray[np.int64]
    ohlcv: NDArray[np.float64]
    """Adjusted for splits and dividends, the last bar as traded, shape (n, 5)."""

    traded_close: NDArray[np.float64]
    """Close as the source told it, shape (n,)."""

    def __len__(self) -> int:
        return len(self.open_time)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    open_time: NDArray[np.int64]
    close_time: NDArray[np.int64]
    ohlcv: NDArray[np.float64]
    adjusted_close: NDArray[np.float64]

    def take(self, positions: NDArray[np.intp] | NDArray[np.bool_]) -> "_Rows":
        return _Rows(
            open_time=self.open_time[positions],
            close_time=self.close_time[positions],
            ohlcv=self.ohlcv[positions],
            adjusted_close=self.adjusted_close[positions],
        )

    def differs(self, before: NDArray[np.intp], after: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.asarray((self.ohlcv[before] != self.ohlcv[after]).any(axis=1))


def source_series(
    files: Iterable[BronzeFile], timeframe: Timeframe
) -> tuple[list[SourceSeries], list[Finding]]:
    """Return one series for each source that has valid bars, and what was noticed on the way."""
    arrivals: dict[str, dict[int, list[BronzeFile]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        arrivals[file.source][file.arrival_time].append(file)
    series, findings = [], []
    for source, by_time in sorted(arrivals.items()):
        vintages = []
        for arrival, parts in sorted(by_time.items()):
            rows, found = _valid_rows(source, parts, timeframe, arrival)
            findings += found
            if len(rows.open_time):
                vintages.append(rows)
        if vintages:
            findings += _revisions(source, vintages)
            series.append(_on_newest_basis(source, vintages))
    return series, findings


def _valid_rows(
    source: str, parts: Sequence[BronzeFile], timeframe: Timeframe, arrival: int
) -> tuple[_Rows, list[Finding]]:
    rows = _concatenate(parts, timeframe)
    number = np.concatenate([part.bars.row for part in parts])
    order = np.lexsort((number, rows.open_time))
    rows = rows.take(order)
    findings = list(_duplicates(source, rows))
    # Of rows with one open time the last counts.
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = np.diff(rows.open_time) > 0
    rows = rows.take(last)
    bad = dict[int, Finding]()
    problems = find_bar_problems(rows.open_time, rows.close_time, rows.ohlcv, timeframe)
    for problem in problems:
        kind = Kind.OFF_GRID if problem.column == "open_time" else Kind.INVALID
        detail = f"{problem.column}: was {problem.value}, needed {problem.needed}"
        bad.setdefault(problem.row, _at(kind, source, int(rows.open_time[problem.row]), detail))
    for row in np.flatnonzero(rows.close_time > arrival).tolist():
        detail = f"arrived at {np.datetime64(arrival, 's')}Z, before it had closed"
        bad.setdefault(row, _at(Kind.UNFINISHED, source, int(rows.open_time[row]), detail))
    good = np.ones(len(rows.open_time), dtype=np.bool_)
    good[list(bad)] = False
    return rows.take(good), [*findings, *(bad[row] for row in sorted(bad))]


def _concatenate(parts: Sequence[BronzeFile], timeframe: Timeframe) -> _Rows:
    bars = [part.bars for part in parts]
    return _Rows(
        open_time=np.concatenate([one.open_time for one in bars]),
        close_time=np.concatenate(
            [
                one.open_time + timeframe.seconds if one.close_time is None else one.close_time
                for one in bars
            ]
        ),
        ohlcv=np.concatenate([one.ohlcv for one in bars]),
        adjusted_close=np.concatenate([one.adjusted_close for one in bars]),
    )


def _duplicates(source: str, rows: _Rows) -> Iterator[Finding]:
    again = np.flatnonzero(np.diff(rows.open_time) == 0) + 1
    for row, differs in zip(again.tolist(), rows.differs(again - 1, again), strict=True):
        kind = Kind.CONTRADICTION if differs else Kind.DUPLICATE
        detail = _values(rows, row - 1, row) if differs else "the same values twice"
        yield _at(kind, source, int(rows.open_time[row]), detail)


def _revisions(source: str, vintages: Sequence[_Rows]) -> Iterator[Finding]:
    held = vintages[0]
    for newer in vintages[1:]:
        both = _Rows(
            open_time=np.concatenate([held.open_time, newer.open_time]),
            close_time=np.concatenate([held.close_time, newer.close_time]),
            ohlcv=np.concatenate([held.ohlcv, newer.ohlcv]),
            adjusted_close=np.concatenate([held.adjusted_close, newer.adjusted_close]),
        )
        both = both.take(np.argsort(both.open_time, kind="stable"))
        again = np.flatnonzero(np.diff(both.open_time) == 0) + 1
        for row in again[both.differs(again - 1, again)].tolist():
            time = int(both.open_time[row])
            yield _at(Kind.REVISION, source, time, _values(both, row - 1, row))
        last = np.ones(len(both.open_time), dtype=np.bool_)
        last[:-1] = np.diff(both.open_time) > 0
        held = both.take(last)


def _on_newest_basis(source: str, vintages: Sequence[_Rows]) -> SourceSeries:
    newest = vintages[-1]
    rows, factor = newest, _factor(newest)
    for older in reversed(vintages[:-1]):
        older_factor = _factor(older)
        older_factor *= _link(rows, factor, older, older_factor)
        missing = ~np.isin(older.open_time, rows.open_time)
        open_time = np.concatenate([rows.open_time, older.open_time[missing]])
        order = np.argsort(open_time)
        factor = np.concatenate([factor, older_factor[missing]])[order]
        rows = _Rows(
            open_time=open_time[order],
            close_time=np.concatenate([rows.close_time, older.close_time[missing]])[order],
            ohlcv=np.concatenate([rows.ohlcv, older.ohlcv[missing]])[order],
            adjusted_close=np.concatenate([rows.adjusted_close, older.adjusted_close[missing]])[
                order
            ],
        )
    traded = rows.ohlcv[:, _CLOSE]
    return SourceSeries(
        source=source,
        open_time=rows.open_time,
        close_time=rows.close_time,
        ohlcv=adjust_for_splits(rows.ohlcv, traded * factor),
        traded_close=traded,
    )


def _factor(rows: _Rows) -> NDArray[np.float64]:
    told = np.flatnonzero(np.isfinite(rows.adjusted_close) & (rows.adjusted_close > 0))
    if not len(told):
        return np.ones(len(rows.open_time))
    # A row without an adjusted close has the factor of the one before it, not none: that would be
    # a jump to the traded price and back.
    last_told = np.searchsorted(told, np.arange(len(rows.open_time)), side="right") - 1
    nearest = told[np.maximum(last_told, 0)]
    return np.asarray(rows.adjusted_close[nearest] / rows.ohlcv[nearest, _CLOSE])


def _link(
    rows: _Rows, factor: NDArray[np.float64], older: _Rows, older_factor: NDArray[np.float64]
) -> float:
    _, ours, theirs = np.intersect1d(
        rows.open_time, older.open_time, assume_unique=True, return_indices=True
    )
    if len(ours):
        now = rows.ohlcv[ours, _CLOSE] * factor[ours]
        then = older.ohlcv[theirs, _CLOSE] * older_factor[theirs]
        return float(np.median(now / then))
    before = older.open_time[-1] < rows.open_time[0]
    neighbour = int(np.searchsorted(rows.open_time, older.open_time[-1]))
    neighbour = min(neighbour, len(factor) - 1)
    return float(factor[neighbour] / older_factor[-1 if before else 0])


def _at(kind: Kind, source: str, time: int, detail: str) -> Finding:
    return Finding(kind=kind, source=source, start=time, end=time, bars=1, detail=detail)


def _values(rows: _Rows, before: int, after: int) -> str:
    names = ("open", "high", "low", "close", "volume")
    changed = np.flatnonzero(rows.ohlcv[before] != rows.ohlcv[after]).tolist()
    return ", ".join(
        f"{names[column]} {rows.ohlcv[before, column]:g} and {rows.ohlcv[after, column]:g}"
        for column in changed
    )
