"""Findings for people, each as soon as it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from tickcast.cli.doctor.finding import Finding, State
from tickcast.cli.output import say
from tickcast.cli.terminal import console

_STYLES = {State.OK: "green", State.WARNING: "yellow", State.PROBLEM: "red"}


def shown_one_by_one(found: Iterable[Finding]) -> list[Finding]:
    """Shows them, then how many there were, and returns them."""
    findings = []
    for finding in found:
        findings.append(finding)
        console().print(_row(finding))
    counts = Counter(finding.state for finding in findings)
    say(f"problems: {counts[State.PROBLEM]}, warnings: {counts[State.WARNING]}")
    return findings


def _row(finding: Finding) -> Table:
    """Columns of fixed width, so that findings that come one after the other are one table."""
    row = Table.grid(padding=(0, 1, 0, 0))
    row.add_column(width=8)
    row.add_column(width=11)
    row.add_column(overflow="fold")
    row.add_row(Text(finding.state, style=_STYLES[finding.state]), finding.check, finding.says)
    if finding.do:
        row.add_row("", "", Text(f"do: {finding.do}", style="bold"))
    return row
