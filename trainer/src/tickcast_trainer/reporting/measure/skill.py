"""Scores beside baselines, all on the same rows, each with its interval."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from tickcast_modelkit import manifest

from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.reporting.document import Estimate, Score, Skill
from tickcast_trainer.reporting.material import Candidate
from tickcast_trainer.reporting.measure.estimates import estimate_of
from tickcast_trainer.validation.bootstrap import bootstrap_ratio
from tickcast_trainer.validation.multiplicity import holm


def measure_skill(
    evaluator: Evaluator,
    candidates: Sequence[Candidate],
    baselines: Sequence[manifest.Score],
) -> tuple[Skill, ...]:
    """Return for each candidate its table of scores, which has it at the top."""
    adjusted = holm([one.comparison.p_value for one in candidates])
    as_baselines = tuple(
        _score(evaluator, forecast, score, role="baseline")
        for forecast, score in zip(evaluator.baselines, baselines, strict=True)
    )
    as_others = [
        _score(
            evaluator,
            one.forecast,
            one.score,
            role="other model",
            p_value=one.comparison.p_value,
            holm_p_value=after,
        )
        for one, after in zip(candidates, adjusted, strict=True)
    ]
    up = evaluator.always_up()
    return tuple(
        Skill(
            best_baseline=one.comparison.best_baseline,
            beats_baselines=one.comparison.beats_baselines,
            saved=estimate_of(one.comparison.gain),
            scores=(
                as_others[place].model_copy(update={"role": "this model"}),
                *as_others[:place],
                *as_others[place + 1 :],
                *as_baselines,
            ),
            always_up=estimate_of(up) if up else None,
            models_compared=len(candidates),
        )
        for place, one in enumerate(candidates)
    )


def _score(
    evaluator: Evaluator,
    forecast: OutOfFold,
    score: manifest.Score,
    *,
    role: Literal["other model", "baseline"],
    p_value: float | None = None,
    holm_p_value: float | None = None,
) -> Score:
    target = evaluator.target
    error = (target - forecast.prediction) ** 2
    times, horizon = evaluator.dataset.as_of_time[evaluator.rows], evaluator.dataset.horizon
    mean = bootstrap_ratio(error, np.ones(len(error)), times, horizon=horizon)
    saved = bootstrap_ratio(target**2 - error, target**2, times, horizon=horizon)
    return Score(
        name=score.estimator,
        role=role,
        rmse=Estimate(
            value=score.rmse, low=float(np.sqrt(mean.low)), high=float(np.sqrt(mean.high))
        ),
        r2=Estimate(value=score.r2_vs_zero, low=saved.low, high=saved.high),
        information_coefficient=score.information_coefficient,
        direction=_direction(score),
        coverage=score.interval_coverage,
        p_value=p_value,
        holm_p_value=holm_p_value,
    )


def _direction(score: manifest.Score) -> Estimate | None:
    share = score.directional_accuracy
    low, high = score.directional_accuracy_low, score.directional_accuracy_high
    if share is None or low is None or high is None:
        return None
    return Estimate(value=share, low=low, high=high)
