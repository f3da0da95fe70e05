"""Many predictions of one model by column: no object of its own for any of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.outlook import Outlooks
from tickcast_server.serving.predictor import (
    FeatureSource,
    ModelInput,
    Prediction,
    Prices,
    price_after,
)


class Origin(NamedTuple):
    """Where the features of a row come from."""

    source: FeatureSource
    bars_used: int = 0
    stale: bool = False
    outdated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputColumns:
    """What a model is asked about at once. Times in seconds since the epoch."""

    places: Sequence[int]
    """Of the rows in what was asked."""

    symbols: Sequence[str]
    values: NDArray[np.float32]
    """(n, F)."""

    as_of_times: Sequence[int]
    last_closes: Sequence[float | None]
    origins: Sequence[Origin]

    @staticmethod
    def of(place: int, given: ModelInput) -> InputColumns:
        """One row."""
        origin = Origin(given.source, given.bars_used, given.stale, given.outdated)
        return InputColumns(
            places=[place],
            symbols=[given.symbol],
            values=given.values.reshape(1, -1),
            as_of_times=[given.as_of_time],
            last_closes=[given.last_close],
            origins=[origin],
        )

    @staticmethod
    def joined(parts: Sequence[InputColumns]) -> InputColumns:
        """The rows of all parts, which are of one model."""
        if len(parts) == 1:
            return parts[0]
        return InputColumns(
            places=[*chain.from_iterable(part.places for part in parts)],
            symbols=[*chain.from_iterable(part.symbols for part in parts)],
            values=np.concatenate([part.values for part in parts]),
            as_of_times=[*chain.from_iterable(part.as_of_times for part in parts)],
            last_closes=[*chain.from_iterable(part.last_closes for part in parts)],
            origins=[*chain.from_iterable(part.origins for part in parts)],
        )


class PriceColumns(NamedTuple):
    """Outlooks in prices. None without a last close, or where it would be no number."""

    predicted: Sequence[float | None]
    lower: Sequence[float | None]
    upper: Sequence[float | None]

    @staticmethod
    def of(last_closes: Sequence[float | None], outlooks: Outlooks) -> PriceColumns:
        """The prices that the returns of outlooks lead to."""
        return PriceColumns(
            _grown(last_closes, outlooks.predicted.tolist()),
            _grown(last_closes, outlooks.lower.tolist()),
            _grown(last_closes, outlooks.upper.tolist()),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictionColumns:
    """The predictions of one model. Ages in seconds."""

    model: LoadedModel
    inputs: InputColumns
    outlooks: Outlooks
    prices: PriceColumns
    ages: Sequence[float]

    def each(self) -> Iterator[Prediction]:
        """One by one, in the order of the rows."""
        inputs = self.inputs
        rows = zip(
            *(inputs.symbols, inputs.values, inputs.as_of_times),
            *(inputs.last_closes, inputs.origins),
            strict=True,
        )
        for (symbol, values, as_of_time, last_close, origin), outlook, prices, age in zip(
            rows, self.outlooks.each(), zip(*self.prices, strict=True), self.ages, strict=True
        ):
            source, bars_used, stale, outdated = origin
            given = ModelInput(
                *(self.model, symbol, values, as_of_time, last_close),
                *(bars_used, source, stale, outdated),
            )
            yield Prediction(given, outlook, Prices(*prices), age)


def _grown(
    last_closes: Sequence[float | None], log_returns: Sequence[float]
) -> Sequence[float | None]:
    if None not in last_closes:
        try:
            return list(map(mul, last_closes, map(math.exp, log_returns)))
        except OverflowError:
            pass  # One by one it shows which.
    return [
        None if last_close is None else price_after(last_close, log_return)
        for last_close, log_return in zip(last_closes, log_returns, strict=True)
    ]
