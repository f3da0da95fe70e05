"""A decision on the terminal: the gate line by line, and what follows."""

from rich.console import Console
from rich.table import Table

from tickcast_trainer.promotion.decisions import Decision

_ROWS = (
    ("rows", "{:,}"),
    ("rmse", "{:.4%}"),
    ("r2_vs_zero", "{:+.2%}"),
    ("directional_accuracy", "{:.1%}"),
    ("coverage", "{:.1%}"),
    ("sharpe", "{:.2f}"),
    ("total_return", "{:+.1%}"),
    ("maximum_drawdown", "{:.1%}"),
)


def print_decision(model: str, decision: Decision, console: Console) -> None:
    """Print the evidence of both versions, the gate, and the outcome."""
    if decision.figures:
        _print_evidence(decision, console)
        _print_gate(decision, console)
    console.print(
        f"{model} version {decision.candidate}: {decision.outcome}; {decision.reason}",
        style="bold",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _print_evidence(decision: Decision, console: Console) -> None:
    figures = decision.figures
    window = figures["window"]
    console.print(f"{window['start']} to {window['end']}, after costs", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column(f"candidate {decision.candidate}", justify="right")
    if figures["champion"]:
        table.add_column(f"champion {decision.champion}", justify="right")
    for name, form in _ROWS:
        cells = [
            "-" if found[name] is None else form.format(found[name])
            for found in (figures["candidate"], figures["champion"])
            if found
        ]
        table.add_row(name.replace("_", " "), *cells)
    console.print(table)


def _print_gate(decision: Decision, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("gate", "found", "needed", ""):
        table.add_column(title)
    for check in decision.figures["checks"]:
        found = "-" if check["value"] is None else f"{check['value']:.4g}"
        needed = f"at {'most' if check['at_most'] else 'least'} {check['limit']:.4g}"
        outcome = "[green]holds[/]" if check["passed"] else "[red]does not hold[/]"
        table.add_row(check["name"], found, needed, outcome)
    console.print(table)
