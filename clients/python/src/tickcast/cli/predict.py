"""`tickcast predict`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated

import typer

from tickcast._client import Client
from tickcast._errors import TickcastError
from tickcast._types import Prediction
from tickcast.cli import names
from tickcast.cli.exit_code import ExitCode
from tickcast.cli.figures import instant, percent, price
from tickcast.cli.groups import Heading, examples
from tickcast.cli.options import ModelOption
from tickcast.cli.output import (
    JsonFlag,
    OutputForm,
    OutputOption,
    complain,
    output_form,
    write,
    write_table,
)
from tickcast.cli.session import Session, model_name
from tickcast.cli.suggest import suggestion


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        rich_help_panel=Heading.ASK,
        epilog=examples(
            "tickcast predict AAPL",
            "tickcast predict AAPL MSFT --model daily-ridge --json",
            "tickcast predict AAPL -o csv | cut -d, -f1,7",
        ),
    )(predict)


def predict(
    context: typer.Context,
    symbols: Annotated[
        list[str],
        typer.Argument(help="Symbols, for example AAPL MSFT.", autocompletion=names.symbols),
    ],
    model: ModelOption = None,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Predict symbols from the bars that the server holds."""
    form = output_form(output, as_json)
    session: Session = context.obj
    with session.connect() as client:
        results = client.batch_predict(symbols, model=model_name(client, model))
        predictions = [result for result in results if isinstance(result, Prediction)]
        refused = {
            symbol: result
            for symbol, result in zip(symbols, results, strict=True)
            if isinstance(result, TickcastError)
        }
        # In JSON a refusal stands in the place of its prediction; a table has no column for it.
        records = results if form is OutputForm.JSON else predictions
        write(form, records, kind=Prediction, show=lambda: _show(predictions))
        _complain(client, refused)
    if refused:
        raise typer.Exit(ExitCode.FAILED)


def _complain(client: Client, refused: Mapping[str, TickcastError]) -> None:
    for symbol, error in refused.items():
        complain(f"{symbol}: {error.reason or error.code.name}: {error}")
        with suppress(TickcastError):
            if meant := suggestion(client, error):
                complain(f"{symbol}: {meant}")


def _show(predictions: list[Prediction]) -> None:
    if not predictions:
        return
    columns = ("symbol", "as of", ">close", ">predicted", ">change", ">up", ">low", ">high", "band")
    write_table((*columns, "by"), [_row(prediction) for prediction in predictions])


def _row(prediction: Prediction) -> tuple[str, ...]:
    band, rise = prediction.price_interval, prediction.direction_probability
    return (
        prediction.symbol,
        instant(prediction.as_of_time),
        price(prediction.last_close),
        price(prediction.predicted_price),
        percent(prediction.predicted_return),
        "-" if rise is None else f"{rise:.0%}",
        price(band.lower if band else None),
        price(band.upper if band else None),
        f"{band.coverage:.0%}" if band else "-",
        prediction.model_version.removeprefix("models/"),
    )
