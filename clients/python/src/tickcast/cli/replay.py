"""`tickcast replay`: sends past bars as if they closed now, at a chosen speed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import entry_points
from typing import Annotated

import typer

from tickcast._client import Client
from tickcast._errors import DeadlineExceeded, ServerUnavailable
from tickcast._types import Bar
from tickcast.cli.figures import instant
from tickcast.cli.groups import Heading, examples
from tickcast.cli.market import in_utc
from tickcast.cli.output import complain, say
from tickcast.cli.schedule import Schedule, Series, make_schedule
from tickcast.cli.session import BadUsage, Session

SOURCES = "tickcast.bar_sources"
"""Entry points here are functions `open(location, *, timeframe)`, which return bars by symbol.

What they raise for a location that cannot be used is a `ValueError`, an `OSError`, or has an
`exit_code`: the text is then shown without a traceback.
"""

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        rich_help_panel=Heading.WATCH,
        epilog=examples(
            "tickcast replay --start 2012-03-01            bundled daily bars, one day a second",
            "tickcast replay bars/ --source csv --speed 0  bars of your own, at once",
        ),
    )(replay)


def replay(
    context: typer.Context,
    location: Annotated[
        str, typer.Argument(help="File or folder of the source; none for bundled bars.")
    ] = "",
    source: Annotated[
        str, typer.Option(help="Where bars come from: bundled, csv or parquet.")
    ] = "bundled",
    timeframe: Annotated[
        str | None, typer.Option(help="Timeframe; by default as found in the bars.")
    ] = None,
    start: Annotated[
        datetime | None, typer.Option(help="Replay what closes after this, UTC; by default all.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(help="Replay what closes up to this, UTC; by default all.")
    ] = None,
    history: Annotated[
        int, typer.Option(min=0, help="Bars of each symbol before --start, sent ahead at once.")
    ] = 300,
    speed: Annotated[
        float, typer.Option(min=0, help="Steps a second; 0 for as fast as can be.")
    ] = 1.0,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to go on trying while the server is away.")
    ] = 60.0,
) -> None:
    """Send past bars to the server in the order in which they closed.

    Bars that the server holds already are left out, so that a replay can be taken up again.
    """
    session: Session = context.obj
    series = _open(source, location, timeframe)
    with session.connect() as client:
        held = {
            (found.symbol, found.timeframe): found.last_close_time
            for found in client.list_symbols()
        }
        schedule = make_schedule(
            series, start=in_utc(start), end=in_utc(end), history=history, held=held
        )
        _announce(schedule, speed)
        _send(client, schedule.history, patience)
        _step(client, schedule, speed, patience)
        say("replayed")


def _open(source: str, location: str, timeframe: str | None) -> Sequence[Series]:
    sources = {point.name: point for point in entry_points(group=SOURCES)}
    if source not in sources:
        known = ", ".join(sorted(sources)) or "a distribution that has some: tickcast-trainer"
        raise BadUsage(f"--source: was {source!r}, needed one of {known}")
    try:
        series: Sequence[Series] = sources[source].load()(location, timeframe=timeframe)
    except Exception as error:
        if isinstance(error, (ValueError, OSError)) or hasattr(error, "exit_code"):
            raise BadUsage(str(error)) from error
        raise
    return series


def _announce(schedule: Schedule, speed: float) -> None:
    if schedule.history:
        say(f"{len(schedule.history):,} bars of history")
    if not schedule.steps:
        if not schedule.history:
            say("nothing to replay: no bar closes then, or the server holds them all")
        return
    first, last = schedule.steps[0][0], schedule.steps[-1][0]
    say(
        f"{len(schedule.steps):,} steps from {instant(first)} to {instant(last)}, "
        f"{f'{speed:g} a second' if speed else 'as fast as can be'}"
    )


def _step(client: Client, schedule: Schedule, speed: float, patience: float) -> None:
    from rich.console import Console
    from rich.progress import track

    begin = time.monotonic()
    shown = Console(stderr=True)
    silent = not (shown.is_terminal and schedule.steps)
    steps = track(schedule.steps, "replay", console=shown, disable=silent)
    for number, (_, bars) in enumerate(steps):
        if speed:
            time.sleep(max(0.0, begin + number / speed - time.monotonic()))
        _send(client, bars, patience)


def _send(client: Client, bars: Sequence[Bar], patience: float) -> None:
    """Sends bars until they are stored. Repeating is safe: bars are stored once."""
    give_up = time.monotonic() + patience
    wait = _FIRST_WAIT
    while bars:
        try:
            client.ingest_bars(bars)
        except (ServerUnavailable, DeadlineExceeded) as error:
            if time.monotonic() > give_up:
                raise
            complain(f"{error}; trying again in {wait:g} s")
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        else:
            return
