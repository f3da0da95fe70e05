"""The straight line from settings to model packages, and the only place that wires it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.golden import GoldenRows
from tickcast_modelkit.manifest import Barrier, Manifest, Score
from tickcast_modelkit.package import PackagePath, list_versions, write_package

from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.engine import open_engine
from tickcast_trainer.errors import NotEnoughHistory, RepositoryNotWritable
from tickcast_trainer.estimators import Estimator
from tickcast_trainer.evaluation import Comparison, Evaluator, OutOfFold
from tickcast_trainer.export import check_parity, export
from tickcast_trainer.feature_sets import choose_feature_set
from tickcast_trainer.metrics import Proportion
from tickcast_trainer.packaging import make_golden, make_manifest
from tickcast_trainer.progress import Progress
from tickcast_trainer.registry.connect import connect, refuse_lone_url
from tickcast_trainer.registry.dataset_facts import dataset_facts
from tickcast_trainer.registry.publish import Registry
from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.gather import gather_reports
from tickcast_trainer.reporting.material import Candidate
from tickcast_trainer.reporting.publish import publish_report
from tickcast_trainer.settings import EstimatorName, TrainSettings
from tickcast_trainer.sources.source import find_source
from tickcast_trainer.tails import TrainedTails, train_tails
from tickcast_trainer.targets import BARRIER_BARS, LOG_RETURN, BarrierReturn, Target
from tickcast_trainer.validation.direction import describe_direction, with_direction
from tickcast_trainer.validation.examination import Examination, examine, with_suspicion
from tickcast_trainer.validation.nested import choose_estimators
from tickcast_trainer.walkforward import expanding_folds, rolling_folds

CHAMPION = "champion"
CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedModel:
    """A model that is fitted, exported and proven, and not written yet."""

    manifest: Manifest
    graph: bytes
    golden: GoldenRows
    score: Score
    comparison: Comparison
    examination: Examination
    forecast: OutOfFold
    estimators: tuple[Estimator, ...]
    """That of each fold, which made the forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPackage:
    """A package in the repository."""

    path: PackagePath
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingRun:
    """Everything that a run has to tell."""

    dataset: Dataset
    baselines: tuple[Score, ...]
    always_up: Proportion | None
    """What always saying "up" scores as a direction."""

    models: tuple[TrainedModel, ...]
    packages: tuple[WrittenPackage, ...]
    reports: tuple[Path, ...]
    """The page of each package; empty when none was asked for."""


def train(settings: TrainSettings, progress: Progress) -> TrainingRun:
    """Read bars, evaluate walk-forward, fit on everything, export and write the packages.

    Nothing is written before every model is exported and proven. Raises TrainerError, and
    ModelkitError for a timeframe, a symbol or a repository that cannot be used.
    """
    _check_repository(settings.models)
    registry = _open_registry(settings)
    series = find_source(settings.source)(settings.path, timeframe=settings.timeframe)
    feature_set = choose_feature_set(settings.features, settings.feature_set)
    with open_engine(settings.engine, settings.processes) as engine:
        dataset = build_dataset(
            _closed_by(series, settings),
            feature_set=feature_set,
            horizon=settings.horizon,
            progress=progress,
            engine=engine,
            labels=_labels(settings),
        )
        cut = {"expanding": expanding_folds, "rolling": rolling_folds}[settings.split]
        folds = cut(dataset.as_of_time, dataset.target_time, count=settings.folds)
        evaluator = Evaluator(dataset, folds, coverage=settings.coverage, engine=engine)
        baselines = tuple(evaluator.score(baseline) for baseline in evaluator.baselines)
        tails = None
        if settings.bands == "quantile":
            tails = train_tails(settings, dataset, folds, progress=progress)
        models = tuple(
            _train_model(name, settings, evaluator, baselines, tails, progress)
            for name in settings.estimators
        )
        # Measured before anything is written; none where no report was asked for.
        drafts = _draft_reports(settings, evaluator, models, baselines, progress)
    packages = tuple(_write(settings, model) for model in models)
    reports = tuple(
        publish_report(draft, package.path, package.alias)
        for draft, package in zip(drafts, packages, strict=False)
    )
    if registry is not None:
        rows = dataset_facts(dataset, source=settings.source, location=settings.path)
        for package in packages:
            registry.publish(package.path, rows)
    return TrainingRun(
        dataset=dataset,
        baselines=baselines,
        always_up=evaluator.always_up(),
        models=models,
        packages=packages,
        reports=reports,
    )


def _labels(settings: TrainSettings) -> Target:
    if settings.target != "triple-barrier":
        return LOG_RETURN
    return BarrierReturn(Barrier(width=settings.barrier, bars=BARRIER_BARS))


def _closed_by(series: Sequence[BarSeries], settings: TrainSettings) -> list[BarSeries]:
    if settings.until is None:
        return list(series)
    until = int(settings.until.timestamp())
    cut = [one.closed_by(until) for one in series]
    if not any(len(one) for one in cut):
        first = np.datetime64(min(int(one.close_time[0]) for one in series), "s")
        raise NotEnoughHistory(
            f"until: was {settings.until.isoformat()}, needed after {first}Z, "
            "when the first bar closed"
        )
    return cut


def _train_model(
    name: EstimatorName,
    settings: TrainSettings,
    evaluator: Evaluator,
    baselines: Sequence[Score],
    tails: TrainedTails | None,
    progress: Progress,
) -> TrainedModel:
    dataset = evaluator.dataset
    chosen = choose_estimators(name, settings, dataset, evaluator.folds, progress=progress)
    estimator = chosen.final
    forecast = evaluator.walk_forward_each(
        name, chosen.folds, seed=settings.seed, progress=progress
    )
    fitted_tails = None
    if tails is not None:
        forecast, fitted_tails = replace(forecast, tails=tails.out_of_fold), tails.fitted
    score = evaluator.score(forecast)
    examination = examine(name, settings, evaluator, chosen, forecast, progress=progress)
    skill = examination.direction
    comparison = with_suspicion(
        with_direction(evaluator.compare(forecast), skill), examination.leaks
    )
    with progress.step(f"{name}: fit, export, parity", len(dataset)) as advance:
        model = estimator.fit(dataset.features, dataset.target, seed=settings.seed)
        exported = export(model, fitted_tails)
        parity = check_parity(
            exported,
            model,
            dataset.features,
            tails=fitted_tails,
            target_deviation=float(dataset.target.std()),
        )
        golden = make_golden(dataset, exported)
        advance(len(dataset))
    manifest = make_manifest(
        name=f"{settings.name}-{name}",
        estimator=name,
        parameters=estimator.parameters,
        seed=settings.seed,
        dataset=dataset,
        folds=evaluator.folds,
        scores=(score, *baselines),
        comparison=comparison,
        band=evaluator.band(forecast),
        tails=tails.described if tails else None,
        direction=describe_direction(skill) if skill else None,
        parity=parity,
    )
    return TrainedModel(
        manifest=manifest,
        graph=exported.graph,
        golden=golden,
        score=score,
        comparison=comparison,
        examination=examination,
        forecast=forecast,
        estimators=chosen.folds,
    )


def _draft_reports(
    settings: TrainSettings,
    evaluator: Evaluator,
    models: Sequence[TrainedModel],
    baselines: Sequence[Score],
    progress: Progress,
) -> tuple[Report, ...]:
    if not settings.report:
        return ()
    candidates = [
        Candidate(
            manifest=model.manifest,
            score=model.score,
            comparison=model.comparison,
            examination=model.examination,
            forecast=model.forecast,
            estimators=model.estimators,
        )
        for model in models
    ]
    return gather_reports(settings, evaluator, candidates, baselines, progress=progress)


def _check_repository(repository: Path) -> None:
    # Before the work, not after it: the nearest folder that exists must take new ones.
    nearest = next(
        folder for folder in (repository, *repository.absolute().parents) if folder.exists()
    )
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise RepositoryNotWritable(
            f"models: was {repository}, needed a folder that can be written"
        )


def _open_registry(settings: TrainSettings) -> Registry | None:
    refuse_lone_url(settings.registry, settings.registry_url)
    if settings.registry is None:
        return None
    return connect(
        settings.registry_url,
        experiment=settings.name,
        promote=settings.promote,
        environ=os.environ,
    )


def _write(settings: TrainSettings, model: TrainedModel) -> WrittenPackage:
    is_first = not list_versions(settings.models, model.manifest.name)
    alias = CHAMPION if is_first or settings.promote else CHALLENGER
    try:
        path = write_package(
            settings.models, model.manifest, model.graph, model.golden, alias=alias
        )
    except OSError as error:
        raise RepositoryNotWritable(
            f"models: was {settings.models} ({error}), needed a folder that can be written"
        ) from error
    return WrittenPackage(path=path, alias=alias)
