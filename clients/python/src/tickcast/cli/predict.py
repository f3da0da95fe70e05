"""`tickcast predict`."""

from __future__ import annotations

from typing import Annotated

import typer

from tickcast._errors import TickcastError
from tickcast._types import Prediction
from tickcast.cli.output import (
    JsonFlag,
    complain,
    instant,
    percent,
    price,
    write_json,
    write_table,
)
from tickcast.cli.session import Session, model_name


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(predict)


def predict(
    context: typer.Context,
    symbols: Annotated[list[str], typer.Argument(help="Symbols, for example AAPL MSFT.")],
    model: Annotated[
        str | None, typer.Option(help="Model, or models/NAME/versions/VERSION.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Predict symbols from the bars that the server holds."""
    session: Session = context.obj
    with session.connect() as client:
        results = client.batch_predict(symbols, model=model_name(client, model))
    predictions = [result for result in results if isinstance(result, Prediction)]
    if as_json:
        for result in results:
            write_json(result)
    elif predictions:
        _show(predictions)
    refused = {
        symbol: result
        for symbol, result in zip(symbols, results, strict=True)
        if isinstance(result, TickcastError)
    }
    for symbol, error in refused.items():
        complain(f"{symbol}: {error.reason or error.code.name}: {error}")
    if refused:
        raise typer.Exit(1)


def _show(predictions: list[Prediction]) -> None:
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
