"""Commands that other distributions bring, under the entry-point group `tickcast.commands`.

An entry point there is a function `main(argv) -> exit code`. It is imported when its command runs,
and not before: a trainer takes seconds to import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

import typer

from tickcast.cli.groups import Heading
from tickcast.cli.session import BadUsage

GROUP = "tickcast.commands"


class Known(NamedTuple):
    """A command that the manual speaks of, installed or not."""

    distribution: str
    heading: Heading
    summary: str


_KNOWN: Mapping[str, Known] = {
    "serve": Known("tickcast-server", Heading.OPERATE, "Serve models over gRPC."),
    "train": Known("tickcast-trainer", Heading.TRAIN, "Train models walk-forward on price bars."),
    "backtest": Known(
        "tickcast-trainer", Heading.TRAIN, "Trade a model's predictions on past bars."
    ),
    "data": Known("tickcast-trainer", Heading.TRAIN, "Import, check and show price bars."),
    "promote": Known(
        "tickcast-trainer", Heading.TRAIN, "Make a version champion if it passes the gate."
    ),
    "rollback": Known("tickcast-trainer", Heading.TRAIN, "Go back to the champion before."),
}


def register(app: typer.Typer) -> None:
    """Adds a command for each entry point, and one that helps for each that is not installed."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    for name in sorted(found.keys() | _KNOWN.keys()):
        app.command(
            name,
            help=_summary(name, found.get(name)),
            rich_help_panel=_KNOWN[name].heading if name in _KNOWN else Heading.OTHER,
            # Options and --help are the command's own.
            context_settings={
                "allow_extra_args": True,
                "ignore_unknown_options": True,
                "help_option_names": [],
            },
        )(_command(name, found.get(name)))


def _summary(name: str, point: EntryPoint | None) -> str:
    if point is None:
        return f"{_KNOWN[name].summary} Needs: pip install {_KNOWN[name].distribution}"
    if name in _KNOWN:
        return _KNOWN[name].summary
    return point.dist.metadata["Summary"] if point.dist else ""


def _command(name: str, point: EntryPoint | None) -> Callable[[typer.Context], None]:
    def run(context: typer.Context) -> None:
        if point is None:
            raise BadUsage(
                f"{name}: is not installed, needed: pip install {_KNOWN[name].distribution}"
            )
        main = point.load()
        raise typer.Exit(main(context.args))

    return run
