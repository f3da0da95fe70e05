"""How good the probabilities of a rise are, beside those of whoever knows the base rate alone."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.manifest import Direction

from tickcast_trainer.estimators.graph import PROBABILITY_NAME
from tickcast_trainer.evaluation import Comparison, Evaluator, OutOfFold
from tickcast_trainer.metrics import Proportion, probability_of_no_gain, proportion
from tickcast_trainer.validation.multiplicity import SIGNIFICANCE

_GROUPS = 5
_LEAST = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """A fifth of the rows, by the probability that they were given."""

    said: float
    """Mean probability of a rise."""

    rose: Proportion
    """Share that rose, with its 95% interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionSkill:
    """Scores of the probabilities on the tested rows, less is better, and of each fold's base rate.

    The base rate is the share of rises among the rows that the fold was trained on.
    """

    brier: float
    """Mean squared distance of probability and outcome (Brier 1950)."""

    base_brier: float
    log_loss: float
    """Mean negative log of the probability given to what happened."""

    base_log_loss: float

    p_value: float
    """Chance of so small a Brier score if the model knew the base rate alone."""

    reliability: tuple[Reliability, ...]
    """From the least probabilities to the greatest."""

    @property
    def beats_base_rate(self) -> bool:
        """Whether it does, by more than chance would."""
        return self.brier < self.base_brier and self.p_value < SIGNIFICANCE

    @property
    def verdict(self) -> str:
        """The comparison in a sentence."""
        verb = "beats" if self.beats_base_rate else "does not beat"
        return (
            f"Its probability of a rise {verb} the base rate (Brier {self.brier:.5f} against "
            f"{self.base_brier:.5f}, p = {self.p_value:.3f}; log loss {self.log_loss:.5f} against "
            f"{self.base_log_loss:.5f})."
        )


def measure_direction(evaluator: Evaluator, forecast: OutOfFold) -> DirectionSkill | None:
    """Measure the probabilities of the tested rows; None where a forecast has none."""
    probability = forecast.probability
    if probability is None:
        return None
    dataset = evaluator.dataset
    rose = (evaluator.target > 0.0).astype(np.float64)
    as_of_time = dataset.as_of_time[evaluator.rows]
    base = np.concatenate(
        [
            np.full(len(fold.test), np.mean(dataset.target[fold.train] > 0.0))
            for fold in evaluator.folds
        ]
    )
    groups = np.array_split(np.argsort(probability, kind="stable"), _GROUPS)
    return DirectionSkill(
        brier=float(np.mean((probability - rose) ** 2)),
        base_brier=float(np.mean((base - rose) ** 2)),
        log_loss=_log_loss(probability, rose),
        base_log_loss=_log_loss(base, rose),
        p_value=probability_of_no_gain(
            probability, base, rose, as_of_time, horizon=dataset.horizon
        ),
        reliability=tuple(
            Reliability(
                said=float(probability[rows].mean()),
                rose=proportion(rose[rows], as_of_time[rows], horizon=dataset.horizon),
            )
            for rows in (np.sort(group) for group in groups)
            if len(rows)
        ),
    )


def with_direction(comparison: Comparison, skill: DirectionSkill | None) -> Comparison:
    """Return the comparison with a verdict that speaks of the probabilities too."""
    if skill is None:
        return comparison
    return replace(comparison, verdict=f"{comparison.verdict} {skill.verdict}")


def describe_direction(skill: DirectionSkill) -> Direction:
    """Return what the manifest says of the probabilities."""
    return Direction(
        output_name=PROBABILITY_NAME,
        brier_score=skill.brier,
        base_rate_brier_score=skill.base_brier,
        log_loss=skill.log_loss,
        base_rate_log_loss=skill.base_log_loss,
    )


def _log_loss(probability: Floats, rose: Floats) -> float:
    given = np.where(rose > 0.0, probability, 1.0 - probability)
    return float(-np.log(np.maximum(given, _LEAST)).mean())
