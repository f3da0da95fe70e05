"""What each family of models costs to train and to serve, and what it is worth on real bars."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from tickcast_modelkit.features import CORE
from tickcast_server.serving.model import LoadedModel, load_model
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.pipeline import TrainedModel, TrainingRun, train
from tickcast_trainer.progress import show_progress
from tickcast_trainer.settings import EstimatorName, TrainSettings

NAMES: tuple[EstimatorName, ...] = get_args(EstimatorName)
CACHES = 64 * 2**20
"""Bytes: more than the caches of a core hold."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One family. Times are medians; errors are of log returns."""

    family: str
    fit_seconds: float
    graph_kilobytes: float
    load_milliseconds: float
    """From the package on disk to a model that answers: read, checked, golden rows replayed."""

    warm_microseconds: float
    """One row through the server's bound call, again and again."""

    cold_microseconds: float
    """The same after other work has emptied the caches."""

    rmse: float
    r2: float
    information_coefficient: float | None
    p_value: float
    """Of the lead over the best baseline."""


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def fit_seconds(name: EstimatorName, settings: TrainSettings, run: TrainingRun) -> float:
    estimator, dataset = make_estimator(name, settings), run.dataset

    def fit() -> object:
        return estimator.fit(dataset.features, dataset.target, seed=settings.seed)

    return statistics.median(seconds(fit) for _ in range(3))


def call_seconds(model: LoadedModel, rows: np.ndarray, *, cold: bool) -> float:
    other = np.zeros(CACHES, dtype=np.uint8)
    taken = []
    for row in rows:
        if cold:
            other += 1
        begin = time.perf_counter()
        model.session.run_one(row)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def measure(
    name: EstimatorName,
    trained: TrainedModel,
    folder: Path,
    settings: TrainSettings,
    run: TrainingRun,
) -> Figures:
    def load() -> LoadedModel:
        return load_model(folder, feature_sets={CORE.id: CORE}, threads=1, now=0.0)

    model, features = load(), run.dataset.features
    return Figures(
        family=name,
        fit_seconds=fit_seconds(name, settings, run),
        graph_kilobytes=len(trained.graph) / 1e3,
        load_milliseconds=1e3 * statistics.median(seconds(load) for _ in range(5)),
        warm_microseconds=1e6 * call_seconds(model, features[-5000:], cold=False),
        cold_microseconds=1e6 * call_seconds(model, features[-200:], cold=True),
        rmse=trained.score.rmse,
        r2=trained.score.r2_vs_zero,
        information_coefficient=trained.score.information_coefficient,
        p_value=trained.comparison.p_value,
    )


def show(figures: list[Figures], run: TrainingRun, console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("family", no_wrap=True)
    for heading in ("fit s", "kB", "load ms", "warm us", "cold us", "RMSE %", "R2 %", "IC", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in figures:
        correlation = one.information_coefficient
        table.add_row(
            one.family,
            f"{one.fit_seconds:.2f}",
            f"{one.graph_kilobytes:,.0f}",
            f"{one.load_milliseconds:.1f}",
            f"{one.warm_microseconds:.1f}",
            f"{one.cold_microseconds:.0f}",
            f"{100 * one.rmse:.4f}",
            f"{100 * one.r2:.2f}",
            "" if correlation is None else f"{correlation:.3f}",
            f"{one.p_value:.3f}",
        )
    best = min(run.baselines, key=lambda baseline: baseline.rmse)
    table.add_row(f"({best.estimator})", *[""] * 5, f"{100 * best.rmse:.4f}")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "families", nargs="*", default=NAMES, metavar="FAMILY", help="all by default"
    )
    parser.add_argument("--json", action="store_true", help="print figures for a program")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    with tempfile.TemporaryDirectory() as repository:
        settings = TrainSettings(
            name="bench", models=Path(repository), estimators=tuple(arguments.families)
        )
        with show_progress(console) as progress:
            run = train(settings, progress)
        figures = [
            measure(name, trained, package.path.folder, settings, run)
            for name, trained, package in zip(
                settings.estimators, run.models, run.packages, strict=True
            )
        ]
    if arguments.json:
        print(json.dumps([asdict(one) for one in figures]))
    else:
        show(figures, run, console)


if __name__ == "__main__":
    main()
