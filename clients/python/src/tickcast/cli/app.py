"""The commands, put together: ours, and those that installed distributions bring."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from tickcast._errors import DeadlineExceeded, ServerUnavailable, TickcastError
from tickcast.cli import (
    bench,
    doctor,
    features,
    market,
    models,
    plugins,
    predict,
    reach,
    replay,
    watch,
)
from tickcast.cli.exit_code import ExitCode
from tickcast.cli.groups import CommandGroup, examples
from tickcast.cli.output import ReaderGone, complain
from tickcast.cli.session import BadUsage

_END_OF_HELP = (
    examples(
        "tickcast train --source bundled --until 2012-03-01 --name daily",
        "tickcast serve",
        "tickcast replay --start 2012-03-01",
        "tickcast predict AAPL MSFT",
    )
    + "\n\nExit codes: 0 done, 1 refused or failed, 2 wrong command line, 69 server away, "
    "130 interrupted, 141 output closed. The whole page: docs/command_line.md."
)


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit code."""
    try:
        build()(args=list(arguments), prog_name="tickcast")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    except ReaderGone:
        _drop_output()
        return ExitCode.READER_GONE
    except TickcastError as error:
        away = isinstance(error, (ServerUnavailable, DeadlineExceeded))
        hint = "; tickcast doctor server says why" if away else ""
        complain(f"{error.reason or error.code.name}: {error}{hint}")
        for note in filter(None, getattr(error, "__notes__", ())):
            complain(note)
        return ExitCode.SERVER_AWAY if away else ExitCode.FAILED
    except (BadUsage, ValueError) as error:
        complain(str(error))
        return ExitCode.BAD_USAGE
    return ExitCode.DONE


def build() -> typer.Typer:
    """The program."""
    app = typer.Typer(
        cls=CommandGroup,
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Predictions of market prices over gRPC: train, serve, ask, watch.",
        epilog=_END_OF_HELP,
    )
    app.callback()(reach.reach)
    for module in (predict, models, features, market, watch, replay, doctor, bench):
        module.register(app)
    plugins.register(app)
    return app


def _drop_output() -> None:
    # What is still in a buffer would otherwise be tried again when the interpreter ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
