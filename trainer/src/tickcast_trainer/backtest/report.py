"""A backtest for people: a table beside buy-and-hold. And for programs: JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from tickcast_trainer.backtest.performance import Performance, SymbolPerformance
from tickcast_trainer.backtest.pipeline import Backtest
from tickcast_trainer.backtest.verdict import verdict
from tickcast_trainer.metrics import Proportion

_SYMBOLS_SHOWN = 20

_ROWS: tuple[tuple[str, Callable[[Performance], str]], ...] = (
    ("return a year", lambda p: f"{p.annual_return:.1%}"),
    ("return in all", lambda p: f"{p.total_return:.1%}"),
    ("  before costs", lambda p: f"{p.total_gross_return:.1%}"),
    ("volatility a year", lambda p: f"{p.volatility:.1%}"),
    ("Sharpe ratio", lambda p: f"{p.sharpe.value:.2f}" if p.sharpe else ""),
    ("  95% interval", lambda p: f"{p.sharpe.low:.2f} to {p.sharpe.high:.2f}" if p.sharpe else ""),
    (
        "  chance that above 0",
        lambda p: f"{p.sharpe.probability_above_zero:.1%}" if p.sharpe else "",
    ),
    ("Sortino ratio", lambda p: "" if p.sortino is None else f"{p.sortino:.2f}"),
    ("greatest drawdown", lambda p: f"{p.maximum_drawdown:.1%}"),
    ("longest drawdown", lambda p: f"{p.drawdown_periods:,} bars"),
    ("exposure, gross", lambda p: f"{p.exposure:.0%}"),
    ("exposure, net", lambda p: f"{p.net_exposure:.0%}"),
    ("turnover a year", lambda p: f"{p.turnover:.1f}"),
    ("costs a year", lambda p: f"{p.costs.total:.1%}"),
    ("periods won", lambda p: _share(p.periods_won)),
    ("positions", lambda p: f"{p.positions:,}"),
    ("positions won", lambda p: _share(p.positions_won)),
)


def print_report(backtest: Backtest, console: Console) -> None:
    """Print the table, the symbols and what follows from them."""
    found = backtest.performance
    _print(
        console,
        f"{backtest.strategy} on {len(backtest.symbols)} symbols: {found.periods:,} periods of "
        f"{backtest.timeframe} bars from {_instant(found.start)} to {_instant(found.end)}, "
        f"{found.periods_per_year:.0f} a year",
    )
    if backtest.left_out:
        _print(console, f"Left out without bars: {', '.join(backtest.left_out)}")
    console.print(_table(backtest))
    console.print(_symbols(found.symbols))
    for sentence in verdict(backtest):
        _print(console, sentence)


def to_json(backtest: Backtest) -> str:
    """Return every figure as a JSON object: instants as ISO 8601 in UTC, shares as fractions."""
    document = {
        "strategy": backtest.strategy,
        "symbols": backtest.symbols,
        "left_out": backtest.left_out,
        "timeframe": backtest.timeframe,
        "in_sample": backtest.is_in_sample,
        "trained_until": _instant(backtest.trained_until),
        "performance": _figures(backtest.performance),
        "buy_and_hold": _figures(backtest.buy_and_hold),
        "verdict": verdict(backtest),
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _figures(performance: Performance) -> dict[str, Any]:
    figures = asdict(performance)
    for name in ("start", "end", "ruined_at"):
        figures[name] = _instant(figures[name])
    for symbol in figures["symbols"]:
        symbol["stale_since"] = _instant(symbol["stale_since"])
    return figures


def _table(backtest: Backtest) -> Table:
    title = (
        "IN-SAMPLE: the model was trained on bars of this time" if backtest.is_in_sample else None
    )
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=title)
    table.add_column("after costs", no_wrap=True)
    for heading in (backtest.strategy, "buy-and-hold"):
        table.add_column(heading, justify="right")
    for label, cell in _ROWS:
        table.add_row(label, cell(backtest.performance), cell(backtest.buy_and_hold))
    return table


def _symbols(symbols: tuple[SymbolPerformance, ...]) -> Table:
    shown = sorted(symbols, key=lambda one: -abs(one.contribution))[:_SYMBOLS_SHOWN]
    hidden = len(symbols) - len(shown)
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        caption=f"and {hidden} symbols that mattered less; --json has all" if hidden else None,
    )
    table.add_column("symbol", no_wrap=True)
    for heading in ("a year", "Sharpe", "95% interval", "positions", "won", "turnover", "costs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in shown:
        ratio = one.sharpe
        table.add_row(
            one.symbol,
            f"{one.contribution:.1%}",
            f"{ratio.value:.2f}" if ratio else "",
            f"{ratio.low:.2f} to {ratio.high:.2f}" if ratio else "",
            f"{one.positions:,}",
            f"{one.positions_won.value:.0%}" if one.positions_won else "",
            f"{one.turnover:.1f}",
            f"{one.costs:.1%}",
        )
    return table


def _share(share: Proportion | None) -> str:
    return f"{share.value:.1%} ({100 * share.low:.1f}-{100 * share.high:.1f})" if share else ""


def _instant(seconds: int | None) -> str | None:
    return None if seconds is None else f"{np.datetime64(seconds, 's')}Z"


def _print(console: Console, text: str) -> None:
    # For reading and for grep: no markup, no colours, no line breaks.
    console.print(text, markup=False, highlight=False, soft_wrap=True)
