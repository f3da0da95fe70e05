"""What a model's answers mean for returns, of one row or of many at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.session import Answer, Answers


class Outlook(NamedTuple):
    """Of one row, as natural log returns."""

    predicted: float
    lower: float
    upper: float
    rise: float | None
    """Probability that the return is above zero; None where the model estimates none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlooks:
    """Of n rows, as natural log returns: float64 (n,)."""

    predicted: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    rise: NDArray[np.float64] | None

    def each(self) -> Iterator[Outlook]:
        """One by one, as plain numbers."""
        rises = repeat(None) if self.rise is None else self.rise.tolist()
        columns = (self.predicted.tolist(), self.lower.tolist(), self.upper.tolist())
        return map(Outlook._make, zip(*columns, rises, strict=False))


def outlook_of(model: LoadedModel, row: NDArray[np.float32], answer: Answer) -> Outlook:
    """From the features (F,) of one row and the model's answer to them."""
    band = model.row_band
    value, scale = answer.prediction, band.scale(row)
    lower, upper = answer.tails or band.bounds(value, scale)
    rise = answer.probability
    if rise is None:
        rise = band.probability_above_zero(value, scale)
    return Outlook(value, lower, upper, rise)


def outlooks_of(model: LoadedModel, rows: NDArray[np.float32], answers: Answers) -> Outlooks:
    """The same of many rows (n, F): the same bits, at a fraction of the time for each."""
    predicted = answers.predictions.astype(np.float64)
    scales = model.band.scales(rows, model.feature_set.names)
    if answers.tails is None:
        lower, upper = model.band.bounds(predicted, scales)
    else:
        lower, upper = answers.tails.astype(np.float64).T
    if answers.probabilities is None:
        rise = model.band.probability_above_zero(predicted, scales)
    else:
        rise = answers.probabilities.astype(np.float64)
    return Outlooks(predicted=predicted, lower=lower, upper=upper, rise=rise)
