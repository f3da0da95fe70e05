"""`tickcast models`."""

from __future__ import annotations

from typing import Annotated

import typer

from tickcast._client import Client
from tickcast._models import Model, ModelVersion, ModelVersionState, Score
from tickcast.cli import names
from tickcast.cli.figures import instant
from tickcast.cli.groups import Heading, examples
from tickcast.cli.output import (
    JsonFlag,
    OutputOption,
    output_form,
    write,
    write_table,
)
from tickcast.cli.session import Session, model_name


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        rich_help_panel=Heading.ASK,
        epilog=examples(
            "tickcast models                      what the server holds",
            "tickcast models daily-ridge          how its versions did, and why one was refused",
            "tickcast models daily-ridge -o csv",
        ),
    )(models)


def models(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(
            help="Show the versions of this one; by default all models.",
            autocompletion=names.models,
        ),
    ] = None,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List the models that are held, or how the versions of one did."""
    form = output_form(output, as_json)
    session: Session = context.obj
    with session.connect() as client:
        if model is None:
            found = client.list_models()
            write(form, found, kind=Model, show=lambda: _list(client, found))
            return
        versions = client.list_model_versions(model_name(client, model))
    write(form, versions, kind=ModelVersion, show=lambda: _show(versions))


def _list(client: Client, found: list[Model]) -> None:
    rows = []
    for model in found:
        aliases = {version: alias for alias, version in model.aliases.items()}
        for version in client.list_model_versions(model.name):
            serves = "*" if version.name == model.default_version else ""
            rows.append((serves, _short(version), aliases.get(version.name, ""), *_facts(version)))
    columns = ("", "version", "alias", "state", "estimator", "timeframe", "trained until", "skill")
    write_table(columns, rows)


def _facts(version: ModelVersion) -> tuple[str, ...]:
    data = version.training_data
    return (
        version.state.value,
        version.estimator or "-",
        version.timeframe or "-",
        instant(data.end_time if data else None),
        _skill(version),
    )


def _skill(version: ModelVersion) -> str:
    # A graph without a manifest was compared with nothing.
    if version.state is ModelVersionState.FAILED or not version.estimator:
        return "-"
    return "beats baselines" if version.beats_baselines else "none beyond chance"


def _show(versions: list[ModelVersion]) -> None:
    from tickcast.cli.terminal import console

    out = console()
    for version in versions:
        out.print(f"{_short(version)}: {version.state.value}", style="bold", markup=False)
        if version.failure is not None:
            out.print(f"{version.failure.reason}: {version.failure}", markup=False)
        if version.verdict:
            out.print(version.verdict, markup=False)
            _show_scores(version)
        out.print()


def _show_scores(version: ModelVersion) -> None:
    columns = ("estimator", ">RMSE", ">R2 to zero", ">IC", ">direction", ">95% interval", ">band")
    write_table(columns, [_score_row(score) for score in version.scores])


def _score_row(score: Score) -> tuple[str, ...]:
    low, high = score.directional_accuracy_low, score.directional_accuracy_high
    return (
        f"{score.estimator}{' (baseline)' if score.baseline else ''}",
        f"{score.rmse:.6f}",
        f"{score.r2_vs_zero:+.5f}",
        _optional(score.information_coefficient, "+.4f"),
        _optional(score.directional_accuracy, ".2%"),
        "-" if low is None or high is None else f"{low:.2%} to {high:.2%}",
        _optional(score.interval_coverage, ".1%"),
    )


def _optional(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _short(version: ModelVersion) -> str:
    return version.name.removeprefix("models/")
