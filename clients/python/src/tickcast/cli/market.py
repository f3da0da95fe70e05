"""`tickcast symbols` and `tickcast bars`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from tickcast._types import Bar, SymbolSummary
from tickcast.cli.figures import instant, price
from tickcast.cli.groups import Heading, examples
from tickcast.cli.options import SymbolArgument, TimeframeOption
from tickcast.cli.output import JsonFlag, OutputOption, output_form, write, write_table
from tickcast.cli.session import Session

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(
        rich_help_panel=Heading.ASK,
        epilog=examples(
            "tickcast symbols",
            "tickcast symbols --timeframe 5m --json",
        ),
    )(symbols)
    app.command(
        rich_help_panel=Heading.ASK,
        epilog=examples(
            "tickcast bars AAPL --last 5",
            "tickcast bars AAPL --start 2012-01-01 --last 100000 -o csv > AAPL.csv",
        ),
    )(bars)


def symbols(
    context: typer.Context,
    timeframe: Annotated[
        str | None, typer.Option(help="Only those that hold bars of this one; by default of any.")
    ] = None,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List the symbols that the server holds bars of."""
    form = output_form(output, as_json)
    session: Session = context.obj
    with session.connect() as client:
        found = client.list_symbols(timeframe=timeframe)
    write(form, found, kind=SymbolSummary, show=lambda: _show_symbols(found))


def bars(
    context: typer.Context,
    symbol: SymbolArgument,
    timeframe: TimeframeOption = "1d",
    start: Annotated[
        datetime | None, typer.Option(help="Earliest open, UTC, inclusive; by default the first.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(help="Latest open, UTC, exclusive; by default the last.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="Show only so many bars, the latest.")] = _SHOWN,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the bars that the server holds of a symbol."""
    form = output_form(output, as_json)
    session: Session = context.obj
    with session.connect() as client:
        found = client.list_bars(symbol, timeframe, start=in_utc(start), end=in_utc(end))[-last:]
    write(form, found, kind=Bar, show=lambda: _show_bars(found))


def in_utc(value: datetime | None) -> datetime | None:
    """An instant from the command line, where no zone means UTC."""
    if value is None or value.tzinfo is not None:
        return value
    return value.replace(tzinfo=UTC)


def _show_symbols(found: list[SymbolSummary]) -> None:
    write_table(
        ("symbol", "timeframe", ">bars", "from", "to", ">sequence"),
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


def _show_bars(found: list[Bar]) -> None:
    write_table(
        ("open time", ">open", ">high", ">low", ">close", ">volume"),
        [
            (
                instant(bar.open_time),
                *(price(value) for value in (bar.open, bar.high, bar.low, bar.close)),
                f"{bar.volume:,.0f}",
            )
            for bar in found
        ],
    )
