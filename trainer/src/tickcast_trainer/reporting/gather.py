"""From a run to its reports, one for each model, before anything is written."""

from collections.abc import Sequence

from tickcast_modelkit import manifest

from tickcast_trainer.evaluation import Evaluator
from tickcast_trainer.progress import Progress
from tickcast_trainer.reporting.document import (
    Data,
    LeakFinding,
    Leaks,
    Model,
    Parity,
    Report,
    Skill,
)
from tickcast_trainer.reporting.material import Candidate
from tickcast_trainer.reporting.measure.calibration import measure_calibration
from tickcast_trainer.reporting.measure.data import measure_data
from tickcast_trainer.reporting.measure.direction import direction_part
from tickcast_trainer.reporting.measure.equity import measure_equity
from tickcast_trainer.reporting.measure.importance import measure_importance
from tickcast_trainer.reporting.measure.intervals import measure_reliability
from tickcast_trainer.reporting.measure.parts import (
    measure_course,
    measure_folds,
    measure_symbols,
)
from tickcast_trainer.reporting.measure.scored import ScoredRows
from tickcast_trainer.reporting.measure.skill import measure_skill
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.validation.leaks import LeakReport

# Where things are says nothing about the model, and an address may hold a password.
_NOT_SHOWN = frozenset(
    {"config", "models", "print_config", "registry", "registry_url", "report", "search.file"}
)


def gather_reports(
    settings: TrainSettings,
    evaluator: Evaluator,
    candidates: Sequence[Candidate],
    baselines: Sequence[manifest.Score],
    *,
    progress: Progress,
) -> tuple[Report, ...]:
    """Measure what the run has not measured yet, and put it all together.

    ``candidates`` are all models of the run. Version, alias and worries are left to ``publish``.
    """
    data = measure_data(evaluator)
    skills = measure_skill(evaluator, candidates, baselines)
    return tuple(
        _report(settings, evaluator, candidate, data, skill, progress)
        for candidate, skill in zip(candidates, skills, strict=True)
    )


def _report(
    settings: TrainSettings,
    evaluator: Evaluator,
    candidate: Candidate,
    data: Data,
    skill: Skill,
    progress: Progress,
) -> Report:
    about, forecast = candidate.manifest, candidate.forecast
    tested = ScoredRows.of(evaluator, forecast, skill.best_baseline)
    with progress.step(f"{about.estimator}: report", len(evaluator.folds)) as advance:
        importance = measure_importance(
            evaluator, candidate.estimators, seed=settings.seed, advance=advance
        )
        return Report(
            created_at=about.created_at,
            model=_model(about),
            verdict=candidate.comparison.verdict,
            worries=(),
            data=data,
            folds=measure_folds(evaluator, forecast, about.evaluation.folds, tested),
            skill=skill,
            symbols=measure_symbols(tested, evaluator.dataset.symbols),
            calibration=measure_calibration(tested),
            direction=direction_part(candidate.examination.direction),
            intervals=measure_reliability(evaluator, forecast, candidate.examination.intervals),
            course=measure_course(tested),
            importance=importance,
            equity=measure_equity(evaluator, forecast),
            leaks=_leaks(candidate.examination.leaks),
            parity=_parity(about.parity),
            settings=_settings(settings),
            libraries=dict(about.libraries),
        )


def _model(about: manifest.Manifest) -> Model:
    return Model(
        name=about.name,
        version=about.version,
        alias="",
        estimator=about.estimator,
        feature_set=about.feature_set,
        timeframe=str(about.timeframe),
        horizon=about.horizon_bars,
        seed=about.training.seed,
        parameters=dict(about.training.parameters),
    )


def _leaks(found: LeakReport) -> Leaks:
    return Leaks(
        is_suspect=found.is_suspect,
        refitted=found.lagged is not None,
        verdict=found.verdict,
        findings=tuple(
            LeakFinding(check=one.check, is_suspect=one.is_suspect, sentence=one.sentence)
            for one in found.findings
        ),
    )


def _parity(found: manifest.Parity) -> Parity:
    return Parity(
        rows=found.rows,
        median_difference=found.median_difference,
        maximum_difference=found.maximum_difference,
        limit=found.limit,
    )


def _settings(settings: TrainSettings) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in settings.model_dump(mode="json", exclude_none=True).items():
        items = value.items() if isinstance(value, dict) else [("", value)]
        for key, one in items:
            flat[f"{name}.{key}" if key else name] = _text(one)
    return {name: text for name, text in flat.items() if name not in _NOT_SHOWN}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
