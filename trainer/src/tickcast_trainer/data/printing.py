"""Tables, JSON and CSV of what is held and what is wrong with it."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

import numpy as np
from rich.console import Console
from rich.table import Table

from tickcast_trainer.data.checking import RULES, Verdict
from tickcast_trainer.data.holdings import Holding
from tickcast_trainer.data.importing import ImportRun
from tickcast_trainer.data.silver import SilverBars


def print_import(run: ImportRun, console: Console) -> None:
    """Print what arrived for each series."""
    table = _table("symbol", "timeframe", "source", "rows>", "new files>", "bars held>")
    for one in run.imported:
        counts = (f"{one.rows:,}", f"{one.files:,}", f"{one.bars:,}")
        table.add_row(one.key.symbol, one.key.timeframe, one.source, *counts)
    console.print(table)


def print_verdicts(verdicts: Sequence[Verdict], series: int, console: Console) -> None:
    """Print what is wrong by symbol, and by which rule it is bad."""
    if verdicts:
        table = _table("symbol", "timeframe", "what", "bars>", "share>", "", "the first or longest")
        for one in verdicts:
            share = f"{one.bars / one.of:.1%}" if one.of else ""
            mark = "bad" if one.is_bad else ""
            key = one.key
            table.add_row(
                key.symbol, key.timeframe, one.kind, f"{one.bars:,}", share, mark, one.detail
            )
        console.print(table)
    bad = {one.kind: RULES[one.kind][0] for one in verdicts if one.is_bad}
    for kind, rule in bad.items():
        console.print(f"{kind} is bad: {rule}", highlight=False)
    console.print(f"{series} series checked: {'not fit for use' if bad else 'nothing bad'}")


def verdicts_as_json(verdicts: Sequence[Verdict], series: int) -> str:
    """Return what is wrong as a JSON object."""
    findings = [
        {
            "symbol": one.key.symbol,
            "timeframe": one.key.timeframe,
            "kind": str(one.kind),
            "bars": one.bars,
            "of": one.of,
            "start": _iso(one.start),
            "end": _iso(one.end),
            "bad": one.is_bad,
            "rule": RULES[one.kind][0],
            "detail": one.detail,
        }
        for one in verdicts
    ]
    is_bad = any(one.is_bad for one in verdicts)
    return json.dumps({"series": series, "bad": is_bad, "findings": findings}, indent=1)


def print_holdings(holdings: Sequence[Holding], console: Console) -> None:
    """Print a line for each series."""
    table = _table("symbol", "timeframe", "from", "to", "bars>", "outliers>", "layers", "sources")
    for one in holdings:
        first, last = _span(one.silver)
        layers = ", ".join(one.files)
        sources = ", ".join(f"{name} {count:,}" for name, count in one.sources.items())
        outliers = int(one.silver.outlier.sum())
        bars = f"{len(one.silver.series):,}"
        key = one.key
        table.add_row(
            key.symbol,
            key.timeframe,
            _short(first),
            _short(last),
            bars,
            f"{outliers:,}",
            layers,
            sources,
        )
    console.print(table)


def holdings_as_json(holdings: Sequence[Holding]) -> str:
    """Return what is held as a JSON array."""
    rows = [
        {
            "symbol": one.key.symbol,
            "timeframe": one.key.timeframe,
            "from": _span(one.silver)[0] or None,
            "to": _span(one.silver)[1] or None,
            "bars": len(one.silver.series),
            "outliers": int(one.silver.outlier.sum()),
            "sources": one.sources,
            "files": one.files,
        }
        for one in holdings
    ]
    return json.dumps(rows, indent=1)


def write_bars(
    holdings: Sequence[Holding], start: int | None, end: int | None, file: TextIO
) -> None:
    """Write the bars that open from ``start`` on and before ``end`` as CSV, for the CSV source too.

    The prices are adjusted already; ``traded_close`` is what the source told.
    """
    names = ("symbol", "time", "open", "high", "low", "close", "volume")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*names, "traded_close", "source", "outlier"))
    for one in holdings:
        silver, times = one.silver, one.silver.series.open_time
        first = 0 if start is None else int(np.searchsorted(times, start))
        last = len(times) if end is None else int(np.searchsorted(times, end))
        for row in range(first, last):
            writer.writerow(
                (
                    one.key.symbol,
                    _iso(int(times[row])),
                    *silver.series.ohlcv[row].tolist(),
                    float(silver.traded_close[row]),
                    silver.source[row],
                    int(silver.outlier[row]),
                )
            )


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        # The last column takes what width is left, and more lines where that is little.
        table.add_column(
            column.rstrip(">"),
            justify="right" if column.endswith(">") else "left",
            no_wrap=column != columns[-1],
        )
    return table


def _span(silver: SilverBars) -> tuple[str, str]:
    times = silver.series.open_time
    return (_iso(int(times[0])), _iso(int(times[-1]))) if len(times) else ("", "")


def _short(time: str) -> str:
    return time.removesuffix("T00:00:00Z")


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
