"""The command: what is followed, for how long, and who shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Timer
from typing import Annotated

import typer

from tickcast._client import Client
from tickcast._events import PredictionStreamEvent
from tickcast._streams import EventStream
from tickcast.cli import names
from tickcast.cli.groups import Heading, examples
from tickcast.cli.options import ModelOption
from tickcast.cli.output import JsonFlag, OutputForm, OutputOption, output_form
from tickcast.cli.session import Session, model_name
from tickcast.cli.watch.lines import Display, JsonLines, Lines, PredictionRows

_HEARTBEAT = timedelta(seconds=1)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        rich_help_panel=Heading.WATCH,
        epilog=examples(
            "tickcast watch                        all symbols; q or Ctrl-C ends it",
            "tickcast watch AAPL MSFT --model daily-ridge",
            "tickcast watch -o csv >> predictions.csv",
        ),
    )(watch)


def watch(
    context: typer.Context,
    symbols: Annotated[
        list[str] | None,
        typer.Argument(
            help="Symbols; by default all that the server holds.", autocompletion=names.symbols
        ),
    ] = None,
    model: ModelOption = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, help="End after so many seconds; by default with q or Ctrl-C."),
    ] = None,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show predictions as bars close, and what became of them.

    On a terminal a table that is drawn again as things change; elsewhere a line for each
    prediction. In JSON every event of the stream, in CSV the predictions.
    """
    form = output_form(output, as_json)
    session: Session = context.obj
    with session.connect() as client:
        name = model_name(client, model)
        display = _display(form, client, name)
        stream = client.stream_predictions(
            name, symbols=symbols or (), snapshot=True, heartbeat=_HEARTBEAT
        )
        with stream, _ended_after(seconds, stream):
            try:
                display.run(stream)
            except KeyboardInterrupt:
                # The usual way to end a display that has no end.
                stream.close()
        display.finish()


def _display(form: OutputForm, client: Client, name: str) -> Display:
    if form is OutputForm.JSON:
        return JsonLines()
    if form is OutputForm.CSV:
        return PredictionRows()
    from tickcast.cli.terminal import console

    version, verdict = _verdict(client, name)
    out = console()
    if not out.is_terminal:
        return Lines(f"{version}: {verdict}")
    from tickcast.cli.watch.live import LiveTable

    return LiveTable(client, version=version, verdict=verdict, console=out)


def _verdict(client: Client, name: str) -> tuple[str, str]:
    version = name if "/versions/" in name else client.get_model(name).default_version
    if version is None:
        short = name.removeprefix("models/")
        return short, f"no version of it is loaded; tickcast models {short} says why"
    found = client.get_model_version(version)
    return found.name.removeprefix("models/"), found.verdict


@contextmanager
def _ended_after(
    seconds: float | None, stream: EventStream[PredictionStreamEvent]
) -> Iterator[None]:
    if seconds is None:
        yield
        return
    timer = Timer(seconds, stream.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
