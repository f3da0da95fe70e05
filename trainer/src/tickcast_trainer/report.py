"""The honest table: estimators beside baselines on the same rows, and what follows from it."""

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from tickcast_modelkit.manifest import Score

from tickcast_trainer.pipeline import TrainedModel, TrainingRun, WrittenPackage
from tickcast_trainer.validation.multiplicity import multiplicity_note
from tickcast_trainer.validation.sentences import examination_sentences


def print_report(run: TrainingRun, console: Console) -> None:
    """Print what was trained on, how it compares, and where the packages are."""
    dataset = run.dataset
    _print(
        console,
        f"{len(dataset):,} rows of {', '.join(dataset.symbols)}: {dataset.timeframe} bars from "
        f"{_day(dataset.as_of_time[0])} to {_day(dataset.target_time.max())}, "
        f"{dataset.horizon} ahead, {len(dataset.feature_set.names)} features",
    )
    if dataset.left_out:
        why = "without a row that is ranked" if dataset.feature_set.ranks else "for too few bars"
        _print(console, f"Left out {why}: {', '.join(dataset.left_out)}")
    if dataset.unranked:
        _print(
            console,
            f"{dataset.unranked:,} rows left out where fewer than "
            f"{dataset.feature_set.minimum_share:.0%} of the expected symbols had one",
        )
    console.print(_table(run))
    for model in run.models:
        _print(console, model.comparison.verdict)
        for sentence in examination_sentences(model.comparison, model.examination):
            _print(console, f"  {sentence}")
    note = multiplicity_note({one.score.estimator: one.comparison.p_value for one in run.models})
    if note:
        _print(console, note)
    if not any(model.comparison.beats_baselines for model in run.models):
        _print(console, "No model beats the baselines.")
    for model, package in zip(run.models, run.packages, strict=True):
        _print(console, _package(model, package))
    for package, path in zip(run.packages, run.reports, strict=False):
        _print(console, f"report of {package.path.name} version {package.path.version}: {path}")


def _table(run: TrainingRun) -> Table:
    first = run.models[0]
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title=f"Walk-forward: {first.score.rows:,} rows in "
        f"{len(first.manifest.evaluation.folds)} folds, none of them trained on",
        caption="R2: against zero; direction: with its 95% interval; "
        f"p: how often chance alone leads {first.comparison.best_baseline} by as much",
    )
    table.add_column("estimator", no_wrap=True)
    for heading in ("RMSE", "R2", "IC", "direction", "coverage", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for model in run.models:
        table.add_row(*_cells(model.score), f"{model.comparison.p_value:.3f}", style="bold")
    for score in run.baselines:
        table.add_row(*_cells(score), "")
    if run.always_up:
        up = run.always_up
        table.add_row("always up", "", "", "", _direction(up.value, up.low, up.high), "", "")
    return table


def _cells(score: Score) -> list[str]:
    return [
        score.estimator,
        f"{100 * score.rmse:.5g}%",
        f"{score.r2_vs_zero:.2%}",
        _figure(score.information_coefficient, ".3f"),
        _direction(
            score.directional_accuracy,
            score.directional_accuracy_low,
            score.directional_accuracy_high,
        ),
        _figure(score.interval_coverage, ".1%"),
    ]


def _direction(share: float | None, low: float | None, high: float | None) -> str:
    if share is None or low is None or high is None:
        return ""
    return f"{share:.1%} ({100 * low:.1f}-{100 * high:.1f})"


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _package(model: TrainedModel, package: WrittenPackage) -> str:
    parity = model.manifest.parity
    path = package.path
    return (
        f"{path.name} version {path.version} ({package.alias}): {path.folder}; "
        f"graph within {parity.maximum_difference:.1e} of the model on {parity.rows:,} rows"
    )


def _print(console: Console, text: str) -> None:
    # Paths and sentences are for reading and for grep: no markup, no colours, no line breaks.
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _day(seconds: np.int64) -> str:
    return str(np.datetime64(int(seconds), "s").astype("datetime64[D]"))
