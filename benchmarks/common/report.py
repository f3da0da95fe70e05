"""What a benchmark found: tables for people, the same as JSON, and targets met or not."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.common.rounds import Ratio

Value = float | int | str | Ratio


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a figure is to be at least or at most."""

    name: str
    found: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure is within its bounds."""
        low = self.at_least is None or self.found >= self.at_least
        return low and (self.at_most is None or self.found <= self.at_most)

    @property
    def needed(self) -> str:
        """The bounds, to read."""
        bounds = [(">=", self.at_least), ("<=", self.at_most)]
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of the same columns."""

    title: str
    rows: Sequence[Mapping[str, Value]]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one benchmark found."""

    benchmark: str
    tables: Sequence[Table]
    targets: Sequence[Target] = field(default_factory=tuple)


def show(reports: Sequence[Report], console: Console) -> None:
    """Prints every table, and all targets in one."""
    for report in reports:
        for table in report.tables:
            console.print(_rich(table))
    if targets := [target for report in reports for target in report.targets]:
        console.print(_rich(Table(title="targets", rows=[_target_row(item) for item in targets])))


def write_json(reports: Sequence[Report], path: Path, *, effort: Mapping[str, object]) -> None:
    """Writes all that was found, with when and on what machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "python": platform.python_version(),
        },
        "effort": dict(effort),
        "reports": [
            {
                **asdict(report),
                "targets": [{**asdict(item), "met": item.met} for item in report.targets],
            }
            for report in reports
        ],
    }
    path.write_text(json.dumps(found, indent=2) + "\n")


def _target_row(target: Target) -> Mapping[str, Value]:
    return {
        "target": target.name,
        "needed": target.needed,
        "found": target.found,
        "": "met" if target.met else "NOT MET",
    }


def _rich(table: Table) -> RichTable:
    columns = list(dict.fromkeys(name for row in table.rows for name in row))
    rich = RichTable(title=table.title, title_justify="left")
    for name in columns:
        numbers = all(not isinstance(row.get(name, 0), str) for row in table.rows)
        rich.add_column(name, justify="right" if numbers else "left")
    for row in table.rows:
        rich.add_row(*(_text(row.get(name, "")) for name in columns))
    return rich


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
