"""The command: what is asked for, how hard, and of whom."""

from __future__ import annotations

import asyncio
from array import array
from dataclasses import dataclass
from itertools import cycle
from typing import Annotated

import typer

from tickcast._async_client import AsyncClient
from tickcast._client import Client
from tickcast._types import FeatureVector
from tickcast.cli import names
from tickcast.cli.bench.load import Ask, Load, closed_loop, open_loop
from tickcast.cli.bench.report import BenchReport, report, words
from tickcast.cli.duration import seconds
from tickcast.cli.exit_code import ExitCode
from tickcast.cli.groups import Heading, examples
from tickcast.cli.options import ModelOption
from tickcast.cli.output import JsonFlag, OutputOption, output_form, say, write
from tickcast.cli.session import BadUsage, Session, model_name


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        rich_help_panel=Heading.OPERATE,
        epilog=examples(
            "tickcast bench                            all symbols, 32 calls in flight, 10 s",
            "tickcast bench AAPL --rate 500            latency at 500 calls a second",
            "tickcast bench --rows 1000 --concurrency 4 -o json",
        ),
    )(bench)


def bench(
    context: typer.Context,
    symbols: Annotated[
        list[str] | None,
        typer.Argument(
            help="Symbols, asked for in turn; by default all of the model's timeframe.",
            autocompletion=names.symbols,
        ),
    ] = None,
    model: ModelOption = None,
    rows: Annotated[
        int,
        typer.Option(
            min=0,
            max=100_000,
            help="Rows of features that each call carries; 0 to ask for a symbol instead.",
        ),
    ] = 0,
    concurrency: Annotated[int, typer.Option(min=1, help="Calls in flight in a closed loop.")] = 32,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Calls a second in an open loop, in place of --concurrency; latency then counts "
            "from when a call was due.",
        ),
    ] = None,
    duration: Annotated[str, typer.Option(help="How long, for example 500ms, 10s or 2m.")] = "10s",
    connections: Annotated[
        int,
        typer.Option(min=1, help="Connections that calls take in turn; one process serves each."),
    ] = 1,
    timeout: Annotated[
        float, typer.Option(min=0.001, help="Seconds after which a call has failed.")
    ] = 2.0,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also load a server that is not on this machine.")
    ] = False,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Load your server, and measure calls a second and latency.

    Exit code 1 when a call failed. A client in Python is a limit of its own, about that of one
    server process: what it used is shown.
    """
    form = output_form(output, as_json)
    session: Session = context.obj
    if not (session.target.local or yes):
        raise BadUsage(
            f"--target: was {session.target.given}, which is not this machine, needed --yes to "
            "load it all the same"
        )
    length = _length(duration)
    with session.connect() as client:
        work = _work(client, model_name(client, model), symbols or [], rows)
    pace = _Pace(
        concurrency=concurrency,
        rate=rate,
        seconds=length,
        timeout=timeout,
        connections=connections,
    )
    load = asyncio.run(_run(session, work, pace))
    found = report(
        load,
        target=session.target.given,
        model=work.model,
        rows=rows,
        concurrency=concurrency,
        rate=rate,
    )
    write(form, [found], kind=BenchReport, show=lambda: _show(found))
    if found.failed or not found.answered:
        raise typer.Exit(ExitCode.FAILED)


def _length(duration: str) -> float:
    try:
        return seconds(duration)
    except ValueError as error:
        raise BadUsage(f"--duration: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pace:
    """How hard is asked, and for how long."""

    concurrency: int
    rate: float | None
    seconds: float
    timeout: float
    connections: int


@dataclass(frozen=True, slots=True)
class _Work:
    """What the calls ask for."""

    model: str
    symbols: list[str]
    vector: FeatureVector | None
    """What the rows of each call are; `None` to ask for symbols."""

    rows: int

    def asked_of(self, client: AsyncClient) -> Ask:
        """One call, of the symbol whose turn it is."""
        if self.vector is not None:
            values, time = array("f", self.vector.values) * self.rows, self.vector.as_of_time
            return lambda: client.predict_matrix(values, model=self.model, as_of_time=time)
        turns = cycle(self.symbols)
        return lambda: client.predict(next(turns), model=self.model)


def _work(client: Client, model: str, symbols: list[str], rows: int) -> _Work:
    """Finds out what can be asked for, and asks once: what is refused is known before the load."""
    version = client.get_model_version(_version(client, model))
    if not symbols:
        held = client.list_symbols(timeframe=version.timeframe)
        symbols = [found.symbol for found in held]
    if not symbols:
        raise BadUsage(
            f"symbols: the server holds no {version.timeframe} bars, needed some: "
            "tickcast replay --help"
        )
    if not rows:
        client.predict(symbols[0], model=model)
        return _Work(model, symbols, None, 0)
    vector = client.get_features(symbols[0], version.timeframe, feature_set=version.feature_set)
    return _Work(model, symbols, vector, rows)


def _version(client: Client, model: str) -> str:
    if "/versions/" in model:
        return model
    version = client.get_model(model).default_version
    if version is None:
        raise BadUsage(f"--model: no version of {model} is loaded, needed one: tickcast models")
    return version


async def _run(session: Session, work: _Work, pace: _Pace) -> Load:
    # A client of asyncio belongs to the loop that it is made in.
    async with session.connect_async(timeout=pace.timeout, channels=pace.connections) as client:
        ask = work.asked_of(client)
        # Connections are opened before the clock runs.
        await asyncio.gather(*(ask() for _ in range(pace.concurrency)), return_exceptions=True)
        if pace.rate is not None:
            return await open_loop(ask, rate=pace.rate, seconds=pace.seconds)
        return await closed_loop(ask, concurrency=pace.concurrency, seconds=pace.seconds)


def _show(found: BenchReport) -> None:
    for name, what in words(found):
        say(f"{name:<10}{what}")
