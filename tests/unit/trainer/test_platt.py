"""Scores to probabilities: the curve that made the outcomes is found again."""

import numpy as np
import pytest
from tickcast_trainer.estimators.platt import Platt


def outcomes(
    rows: int, *, slope: float, intercept: float, seed: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores = random.normal(0.0, 0.4, rows)
    chance = 1.0 / (1.0 + np.exp(-(slope * scores + intercept)))
    return scores, (random.random(rows) < chance).astype(np.float64)


def test_the_curve_that_made_the_outcomes_is_found() -> None:
    scores, rises = outcomes(40_000, slope=1.7, intercept=0.2)
    found = Platt.fit(scores, rises)
    # A row near even odds tells a quarter, times the variance of the scores for the slope.
    assert found.slope == pytest.approx(1.7, abs=3 * 2 / (0.4 * 200))
    assert found.intercept == pytest.approx(0.2, abs=3 * 2 / 200)


def test_it_is_as_likely_as_any_curve_near_it() -> None:
    scores, rises = outcomes(2_000, slope=0.8, intercept=-0.1)

    def likelihood(platt: Platt) -> float:
        chance = platt.of(scores)
        return float(np.sum(np.log(np.where(rises > 0.0, chance, 1.0 - chance))))

    best = Platt.fit(scores, rises)
    for slope, intercept in ((0.05, 0.0), (-0.05, 0.0), (0.0, 0.05), (0.0, -0.05)):
        other = Platt(slope=best.slope + slope, intercept=best.intercept + intercept)
        assert likelihood(best) > likelihood(other)


def test_scores_that_tell_the_wrong_way_count_for_nothing() -> None:
    scores, rises = outcomes(5_000, slope=-1.0, intercept=0.3)
    found = Platt.fit(scores, rises)
    assert found.slope == 0.0
    assert found.of(scores) == pytest.approx(np.full(5_000, rises.mean()), abs=1e-3)


def test_scores_that_are_all_the_same_give_the_base_rate() -> None:
    rises = np.array([1.0, 1.0, 1.0, 0.0] * 100)
    found = Platt.fit(np.full(400, 0.7), rises)
    assert found.slope == 0.0
    assert found.of(np.array([0.7, 9.0])) == pytest.approx([0.75, 0.75], abs=2e-3)


@pytest.mark.parametrize("rises", [np.ones(8), np.zeros(8), np.r_[np.zeros(4), np.ones(4)]])
def test_few_rows_promise_no_certainty(rises: np.ndarray) -> None:
    # The last are told apart without an error.
    chance = Platt.fit(np.arange(8.0), rises).of(np.arange(8.0))
    assert ((chance > 0.02) & (chance < 0.98)).all()
    assert (np.diff(chance) >= 0.0).all()
