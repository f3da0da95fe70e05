"""Intervals that learn from their misses: adaptive conformal inference.

Gibbs and Candes (2021), "Adaptive Conformal Inference Under Distribution Shift", Advances in Neural
Information Processing Systems 34. Split conformal intervals hold what they promise while tomorrow's
residuals are like yesterday's. Here the level that the quantiles are taken at moves after each
outcome: down by a step's share when the interval missed, up a little when it held. Whatever the
series does, the share of misses over T outcomes is then within ``(1 + step) / (step * T)`` of what
was asked for. As in ``modelkit.intervals``, the tails are bounded separately, so each has a level.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOWER, _UPPER = 0, 1

# A wide panel has more residuals than a quantile needs: of more, every second, third, ... is taken.
_MOST_SORTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """How quickly intervals follow the market."""

    step: float = 0.005
    """What a miss moves the level by; the authors' value. 0 never moves it."""

    memory: int = 1000
    """Latest residuals, of all symbols together, that the quantiles are taken from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """Forecasts and what came, ordered by as-of time; of several symbols, (n,) each."""

    prediction: Floats
    target: Floats

    scale: Floats
    """Known at the as-of time, above 0: residuals are divided by it."""

    as_of_time: NDArray[np.int64]
    target_time: NDArray[np.int64]

    series_index: NDArray[np.intp]
    """Which symbol, from 0: each has levels of its own."""


def adaptive_bounds(
    outcomes: Outcomes, adaptation: Adaptation, *, coverage: float
) -> tuple[Floats, Floats]:
    """Return the interval that would have been given at each as-of time, as ends (n,), (n,).

    Only outcomes whose target time is not later than the as-of time are used. NaN while there are
    too few residuals to bound the coverage; infinite when only that would hold it.
    """
    tail = (1.0 - coverage) / 2.0
    scaled = (outcomes.target - outcomes.prediction) / outcomes.scale
    ends = np.full((len(scaled), 2), np.nan)
    level = np.full((int(outcomes.series_index.max()) + 1, 2), tail)
    by_target = np.argsort(outcomes.target_time, kind="stable")
    known_by = np.searchsorted(
        outcomes.target_time[by_target], np.unique(outcomes.as_of_time), side="right"
    )
    begins = np.flatnonzero(np.r_[True, np.diff(outcomes.as_of_time) != 0, True])
    known = 0
    for place, now_known in enumerate(known_by.tolist()):
        told = by_target[known:now_known]
        told = told[~np.isnan(ends[told, _LOWER])]
        moves = adaptation.step * (tail - _missed(scaled[told], ends[told]))
        np.add.at(level, outcomes.series_index[told], moves)
        known = now_known
        latest = by_target[max(0, known - adaptation.memory) : known]
        stride = max(1, math.ceil(len(latest) / _MOST_SORTED))
        residuals = np.sort(scaled[latest[::stride]])
        if _rank(len(residuals), np.array(tail)) < 1:
            continue
        rows = slice(begins[place], begins[place + 1])
        own = level[outcomes.series_index[rows]]
        ends[rows, _LOWER] = _lower_bounds(residuals, own[:, _LOWER])
        ends[rows, _UPPER] = -_lower_bounds(-residuals[::-1], own[:, _UPPER])
    bounds = outcomes.prediction[:, None] + ends * outcomes.scale[:, None]
    return bounds[:, _LOWER], bounds[:, _UPPER]


def _missed(scaled: Floats, ends: Floats) -> NDArray[np.bool_]:
    return np.stack([scaled < ends[:, _LOWER], scaled > ends[:, _UPPER]], axis=1)


def _lower_bounds(ascending: Floats, level: Floats) -> Floats:
    # Nothing bounds a level of less than a row; above one the interval is to be empty.
    ends = np.concatenate([[-np.inf], ascending, [np.inf]])
    return ends[np.clip(_rank(len(ascending), level), 0, len(ascending) + 1)]


def _rank(count: int, level: Floats) -> NDArray[np.int64]:
    # Of the finite-sample quantile; a hair more, as 20 * (1 - 0.9) / 2 falls short of 1 in binary.
    return np.floor((count + 1) * level + 1e-9).astype(np.int64)
