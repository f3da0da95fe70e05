"""How good a forecast of returns can be before it is more likely a mistake.

Whoever forecasts with an R2 of R over a time T can hold the asset by the forecast and has, without
costs, a Sharpe ratio of about sqrt(R / T) (Campbell and Thompson 2008, "Predicting Excess Stock
Returns Out of Sample"). Turned around, the greatest Sharpe ratio that a market can offer bounds R2
(Ross 2005, "Neoclassical Finance"; Zhou 2010, "How Much Stock Return Predictability Can We Expect
From an Asset Pricing Model?"). The bound is taken at an annual ratio of 3 from one symbol, between
two limits: below an hour or so prices bounce between bid and ask, which can be forecast and not be
traded (Roll 1984), so that 2% stay credible; and beyond a few days no study has more than 5%.
"""

import math
from dataclasses import dataclass

from tickcast_modelkit.bars import BarSeries

from tickcast_trainer.dataset import Dataset

CREDIBLE_INFORMATION_COEFFICIENT = 0.15
"""At any horizon; 0.1 is an outstanding forecaster's (Grinold and Kahn 2000)."""

_ANNUAL_SHARPE = 3.0
_LEAST_R2 = 0.02
_GREATEST_R2 = 0.05
_YEAR = 365.25 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The best score that is still credible."""

    r2: float
    information_coefficient: float = CREDIBLE_INFORMATION_COEFFICIENT

    def is_passed(self, r2: float, information_coefficient: float | None) -> bool:
        """Whether a score is above it; a constant forecast has no information coefficient."""
        return r2 > self.r2 or (information_coefficient or 0.0) > self.information_coefficient


def credible_ceiling(dataset: Dataset) -> Ceiling:
    """Return the ceiling for the dataset's horizon, in years of the bars that the market has."""
    years = dataset.horizon / max(_bars_a_year(series) for series in dataset.series)
    return Ceiling(r2=min(max(_ANNUAL_SHARPE**2 * years, _LEAST_R2), _GREATEST_R2))


def implied_sharpe_ratio(r2: float, dataset: Dataset) -> float:
    """Return the annual Sharpe ratio, before costs, that an R2 above zero would mean."""
    years = dataset.horizon / max(_bars_a_year(series) for series in dataset.series)
    return math.sqrt(r2 / years)


def _bars_a_year(series: BarSeries) -> float:
    # Counted, as a day has 24 hours of bars in one market and six and a half in another.
    span = int(series.close_time[-1]) - int(series.close_time[0])
    return (len(series) - 1) / (span / _YEAR)
