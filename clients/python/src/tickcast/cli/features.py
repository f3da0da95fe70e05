"""`tickcast features`."""

from __future__ import annotations

from typing import Annotated

import typer

from tickcast._types import FeatureSet, FeatureVector
from tickcast.cli.output import JsonFlag, instant, write_json, write_table
from tickcast.cli.session import BadUsage, Session


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(features)


def features(
    context: typer.Context,
    symbol: Annotated[
        str | None, typer.Argument(help="Show its features; without one, the feature sets.")
    ] = None,
    timeframe: Annotated[str, typer.Option(help="Timeframe, for example 5m.")] = "1d",
    feature_set: Annotated[
        str | None, typer.Option(help="Feature set; by default the only one.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the features of a symbol's last bar, or the feature sets that there are."""
    session: Session = context.obj
    with session.connect() as client:
        if symbol is None:
            _list(client.list_feature_sets(), as_json=as_json)
            return
        name = feature_set or _only_one(client.list_feature_sets())
        _show(client.get_features(symbol, timeframe, feature_set=name), as_json=as_json)


def _only_one(sets: list[FeatureSet]) -> str:
    names = [item.name for item in sets]
    if len(names) != 1:
        raise BadUsage(f"--feature-set: was not given, needed one of {', '.join(names)}")
    return names[0]


def _list(sets: list[FeatureSet], *, as_json: bool) -> None:
    if as_json:
        for item in sets:
            write_json(item)
        return
    write_table(
        ("feature set", ">features", ">window", ">fewest bars"),
        [
            (item.name, str(len(item.features)), str(item.window_bars), str(item.minimum_bars))
            for item in sets
        ],
    )


def _show(vector: FeatureVector, *, as_json: bool) -> None:
    if as_json:
        write_json(vector)
        return
    title = f"{vector.symbol} {vector.timeframe}, {instant(vector.as_of_time)}"
    write_table(
        (title, ">value"),
        [(name, f"{value:.6g}") for name, value in zip(vector.names, vector.values, strict=True)],
    )
