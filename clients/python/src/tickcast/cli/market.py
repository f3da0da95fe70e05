"""`tickcast symbols` and `tickcast bars`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from tickcast.cli.output import JsonFlag, instant, price, write_json, write_table
from tickcast.cli.session import Session

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(symbols)
    app.command()(bars)


def symbols(
    context: typer.Context,
    timeframe: Annotated[
        str | None, typer.Option(help="Only those that hold bars of this one.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the symbols that the server holds bars of."""
    session: Session = context.obj
    with session.connect() as client:
        found = client.list_symbols(timeframe=timeframe)
    if as_json:
        for summary in found:
            write_json(summary)
        return
    columns = ("symbol", "timeframe", ">bars", "from", "to", ">sequence")
    write_table(
        columns,
        [
            (
                summary.symbol,
                summary.timeframe,
                f"{summary.bars:,}",
                instant(summary.first_open_time),
                instant(summary.last_close_time),
                f"{summary.position.sequence:,}",
            )
            for summary in found
        ],
    )


def bars(
    context: typer.Context,
    symbol: str,
    timeframe: Annotated[str, typer.Option(help="Timeframe, for example 5m.")] = "1d",
    start: Annotated[datetime | None, typer.Option(help="Earliest open, UTC, inclusive.")] = None,
    end: Annotated[datetime | None, typer.Option(help="Latest open, UTC, exclusive.")] = None,
    last: Annotated[int, typer.Option(min=1, help="Show only so many, the latest.")] = _SHOWN,
    as_json: JsonFlag = False,
) -> None:
    """Show the bars that the server holds of a symbol."""
    session: Session = context.obj
    with session.connect() as client:
        found = client.list_bars(symbol, timeframe, start=in_utc(start), end=in_utc(end))[-last:]
    if as_json:
        for bar in found:
            write_json(bar)
        return
    columns = ("open time", ">open", ">high", ">low", ">close", ">volume")
    write_table(
        columns,
        [
            (
                instant(bar.open_time),
                *(price(value) for value in (bar.open, bar.high, bar.low, bar.close)),
                f"{bar.volume:,.0f}",
            )
            for bar in found
        ],
    )


def in_utc(value: datetime | None) -> datetime | None:
    """An instant from the command line, where no zone means UTC."""
    if value is None or value.tzinfo is not None:
        return value
    return value.replace(tzinfo=UTC)
