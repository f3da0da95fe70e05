"""How much a benchmark does, and the command line that all of them share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.common.h2load import H2loadMissing, check_installed
from benchmarks.common.report import Report, show, write_json

RESULTS = Path("benchmarks/results")

# In a file or a log, tables need not fold.
_LEAST_WIDTH = 150


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long and how often."""

    rounds: int
    seconds: float
    """Of each measurement in a round."""

    soak_minutes: float
    workers: int = 1
    """Processes that serve, of ours and of the ceiling alike."""

    @property
    def connections(self) -> int:
        """As many as spread over the processes: each is handed connections, not calls."""
        return 1 if self.workers == 1 else 8 * self.workers


SHORT = Effort(rounds=3, seconds=1.0, soak_minutes=0.5)
LONG = Effort(rounds=9, seconds=4.0, soak_minutes=10.0)

Benchmark = Callable[[Effort], Report]


def main(benchmarks: Sequence[Benchmark], name: str, argv: Sequence[str] | None = None) -> int:
    """Runs benchmarks one after the other, prints and writes what they found; returns 0, or 1."""
    parser = argparse.ArgumentParser(prog=f"make bench BENCH={name}")
    parser.add_argument("--short", action="store_true", help="few rounds of a second")
    parser.add_argument("--rounds", type=int, help="in which all sides take their turn")
    parser.add_argument("--seconds", type=float, help="of each measurement in a round")
    parser.add_argument("--minutes", type=float, help="of the soak")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve")
    parser.add_argument("--json", type=Path, default=RESULTS / f"{name}.json")
    options = parser.parse_args(argv)
    base = SHORT if options.short else LONG
    effort = Effort(
        rounds=options.rounds or base.rounds,
        seconds=options.seconds or base.seconds,
        soak_minutes=options.minutes or base.soak_minutes,
        workers=options.workers,
    )
    try:
        check_installed()
    except H2loadMissing as error:
        print(error, file=sys.stderr)
        return 1
    progress = Console(stderr=True)
    reports: list[Report] = []
    failed: list[str] = []
    for benchmark in benchmarks:
        progress.print(f"{_name(benchmark) or name} ...", style="dim")
        try:
            reports.append(benchmark(effort))
        except Exception:  # noqa: BLE001  # the others are worth their time all the same
            progress.print_exception()
            failed.append(_name(benchmark) or name)
        write_json(reports, options.json, effort=asdict(effort))
    terminal = Console()
    terminal.width = max(terminal.width, _LEAST_WIDTH)
    show(reports, terminal)
    progress.print(f"written to {options.json}", style="dim")
    if failed:
        progress.print(f"failed, see above: {', '.join(failed)}", style="red")
    return 1 if failed else 0


def _name(benchmark: Benchmark) -> str:
    """Of its module; nothing for the one that is run by itself."""
    return benchmark.__module__.rpartition("benchmarks.serving.")[2].removeprefix("__main__")
