"""How often intervals held: over all, by symbol, and in calm and restless markets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.metrics import Proportion, interval_score, proportion
from tickcast_trainer.validation.regimes import REGIMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Shares of outcomes inside their intervals, each with its 95% confidence interval."""

    overall: Proportion
    by_symbol: Mapping[str, Proportion]
    by_regime: Mapping[str, Proportion]
    """By the third of the symbol's past that the volatility known at the time fell in."""

    median_width: float
    """In log return; of the intervals with two ends."""

    unbounded: float
    """Share of intervals with an infinite end."""

    score: float
    """Mean interval score in log return, less is better; of the intervals with two ends."""

    rows: int


def measure_coverage(
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    target: NDArray[np.float64],
    as_of_time: NDArray[np.int64],
    *,
    symbols: Sequence[str],
    series_index: NDArray[np.intp],
    regime: NDArray[np.intp],
    horizon: int,
    nominal: float,
) -> Coverage | None:
    """Measure intervals from ``lower`` to ``upper`` (n,), NaN where there is none; None if nowhere.

    ``nominal`` is the share that they are built to hold.

    ``series_index`` (n,) points into ``symbols`` and ``regime`` (n,) into ``REGIMES``. Symbols and
    regimes without a row are left out.
    """
    given = ~np.isnan(lower)
    if not given.any():
        return None
    held = ((lower <= target) & (target <= upper)).astype(np.float64)

    def share(chosen: NDArray[np.bool_]) -> Proportion:
        return proportion(held[chosen], as_of_time[chosen], horizon=horizon)

    def shares(names: Sequence[str], index: NDArray[np.intp]) -> dict[str, Proportion]:
        groups = {name: given & (index == place) for place, name in enumerate(names)}
        return {name: share(chosen) for name, chosen in groups.items() if chosen.any()}

    width = (upper - lower)[given]
    finite = np.isfinite(width)
    ends = (lower[given][finite], upper[given][finite], target[given][finite])
    return Coverage(
        overall=share(given),
        by_symbol=shares(symbols, series_index),
        by_regime=shares(REGIMES, regime),
        median_width=float(np.median(width[finite])) if finite.any() else np.inf,
        unbounded=float(1.0 - finite.mean()),
        score=interval_score(*ends, coverage=nominal) if finite.any() else np.inf,
        rows=int(given.sum()),
    )
