"""`tickcast features`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from tickcast._types import FeatureSet, FeatureVector
from tickcast.cli import names
from tickcast.cli.figures import instant
from tickcast.cli.groups import Heading, examples
from tickcast.cli.options import TimeframeOption
from tickcast.cli.output import JsonFlag, OutputForm, OutputOption, output_form, write, write_table
from tickcast.cli.session import BadUsage, Session


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        rich_help_panel=Heading.ASK,
        epilog=examples(
            "tickcast features                    the feature sets",
            "tickcast features AAPL               what a model sees of AAPL",
            "tickcast features AAPL -o csv        the same, a row for each feature",
        ),
    )(features)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureValue:
    """A row of CSV: one number of a vector."""

    symbol: str
    timeframe: str
    as_of_time: datetime
    feature_set: str
    feature: str
    value: float


def features(
    context: typer.Context,
    symbol: Annotated[
        str | None,
        typer.Argument(
            help="Show its features; without one, the feature sets.", autocompletion=names.symbols
        ),
    ] = None,
    timeframe: TimeframeOption = "1d",
    feature_set: Annotated[
        str | None,
        typer.Option(
            help="Feature set, featureSets/ID; by default the only one.",
            autocompletion=names.feature_sets,
        ),
    ] = None,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a symbol's features at its last bar, or list feature sets."""
    form = output_form(output, as_json)
    session: Session = context.obj
    with session.connect() as client:
        if symbol is None:
            sets = client.list_feature_sets()
            write(form, sets, kind=FeatureSet, show=lambda: _show_sets(sets))
            return
        name = feature_set or _only_one(client.list_feature_sets())
        vector = client.get_features(symbol, timeframe, feature_set=name)
    records = _values(vector) if form is OutputForm.CSV else [vector]
    write(form, records, kind=FeatureValue, show=lambda: _show(vector))


def _only_one(sets: list[FeatureSet]) -> str:
    found = [item.name for item in sets]
    if len(found) != 1:
        raise BadUsage(f"--feature-set: was not given, needed one of {', '.join(found)}")
    return found[0]


def _values(vector: FeatureVector) -> list[FeatureValue]:
    return [
        FeatureValue(
            symbol=vector.symbol,
            timeframe=vector.timeframe,
            as_of_time=vector.as_of_time,
            feature_set=vector.feature_set,
            feature=name,
            value=value,
        )
        for name, value in zip(vector.names, vector.values, strict=True)
    ]


def _show_sets(sets: list[FeatureSet]) -> None:
    write_table(
        ("feature set", ">features", ">window", ">fewest bars"),
        [
            (item.name, str(len(item.features)), str(item.window_bars), str(item.minimum_bars))
            for item in sets
        ],
    )


def _show(vector: FeatureVector) -> None:
    title = f"{vector.symbol} {vector.timeframe}, {instant(vector.as_of_time)}"
    write_table(
        (title, ">value"),
        [(name, f"{value:.6g}") for name, value in zip(vector.names, vector.values, strict=True)],
    )
