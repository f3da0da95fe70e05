"""The commands, put together: ours, and those that installed distributions bring."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from tickcast._channel import DEFAULT_TARGET, TARGET_VARIABLE
from tickcast._errors import TickcastError
from tickcast.cli import features, market, models, plugins, predict, replay, watch
from tickcast.cli.output import complain
from tickcast.cli.session import BadUsage, Session

_FAILED = 1
_BAD_USAGE = 2


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit code."""
    try:
        build()(args=list(arguments), prog_name="tickcast")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except TickcastError as error:
        complain(f"{error.reason or error.code.name}: {error}")
        return _FAILED
    except (BadUsage, ValueError) as error:
        complain(str(error))
        return _BAD_USAGE
    return 0


def build() -> typer.Typer:
    """The program."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Predictions of market prices over gRPC: train, serve, ask, watch.",
    )
    app.callback()(_session)
    for module in (predict, watch, models, market, features, replay):
        module.register(app)
    plugins.register(app)
    return app


def _version(shown: bool) -> None:
    if shown:
        print(f"tickcast {version('tickcast')}")
        raise typer.Exit


def _session(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Option(
            envvar=TARGET_VARIABLE,
            help=f"Where the server is, as host:port; by default {DEFAULT_TARGET}.",
        ),
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    del show_version
    context.obj = Session(target)
