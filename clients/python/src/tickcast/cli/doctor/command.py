"""The command: what is examined, and how findings are shown."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tickcast.cli.doctor.finding import Finding, State
from tickcast.cli.exit_code import ExitCode
from tickcast.cli.groups import Heading, examples
from tickcast.cli.output import (
    JsonFlag,
    OutputForm,
    OutputOption,
    output_form,
    write,
)
from tickcast.cli.session import Session


class Part(StrEnum):
    """What can be examined alone."""

    SERVER = "server"
    MACHINE = "machine"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        rich_help_panel=Heading.OPERATE,
        epilog=examples(
            "tickcast doctor                           the server, and this machine",
            "tickcast doctor machine --config tickcast.toml",
            "tickcast --target desk:50051 doctor server -o json",
        ),
    )(doctor)


def doctor(
    context: typer.Context,
    part: Annotated[
        Part | None, typer.Argument(help="Examine this part alone; by default both.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file that the server on this machine is given; by default none."),
    ] = None,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what is wrong with server and machine, and what to do.

    The server is examined over the network. Of this machine, what is installed here is: with
    tickcast-server its settings, ports, store and model repository. Exit code 1 with a problem.
    """
    form = output_form(output, as_json)
    found = _examined(context, part, config)
    if form is OutputForm.TABLE:
        from tickcast.cli.doctor.shown import shown_one_by_one

        findings = shown_one_by_one(found)
    else:
        findings = list(found)
        write(form, findings, kind=Finding, show=lambda: None)
    if any(finding.state is State.PROBLEM for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _examined(context: typer.Context, part: Part | None, config: Path | None) -> Iterator[Finding]:
    session: Session = context.obj
    # The checks need more than --help should wait for.
    from tickcast.cli.doctor.examine import examine_machine, examine_server

    if part in {None, Part.SERVER}:
        yield from examine_server(session)
    if part in {None, Part.MACHINE}:
        options = context.find_root().command.params
        yield from examine_machine(config, {str(option.envvar) for option in options})
