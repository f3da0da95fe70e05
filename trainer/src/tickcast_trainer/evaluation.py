"""What estimators and baselines forecast for bars that they had not seen, and how good it was."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.errors import TooFewResiduals
from tickcast_modelkit.intervals import ConformalBand, conformal_scales
from tickcast_modelkit.manifest import Score

from tickcast_trainer.dataset import Dataset
from tickcast_trainer.engine import HERE, Engine
from tickcast_trainer.estimators import Estimator
from tickcast_trainer.estimators.direction import probability_of
from tickcast_trainer.metrics import (
    Proportion,
    directional_accuracy,
    information_coefficient,
    probability_of_no_gain,
    r2_vs_zero,
    rmse,
)
from tickcast_trainer.progress import Advance, Progress
from tickcast_trainer.tails import OutOfFoldTails
from tickcast_trainer.validation.bootstrap import bootstrap_ratio
from tickcast_trainer.validation.multiplicity import SIGNIFICANCE
from tickcast_trainer.walkforward import Fold

SCALE_FEATURE = "realised_volatility_20"
"""Feature that intervals widen and narrow with."""

_FLOOR_PROBABILITY = 0.05

Bounds: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Lower and upper ends of intervals, (n,) each."""

Rows: TypeAlias = NDArray[np.bool_]
"""Which of the tested rows, (m,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """Forecasts of one estimator or baseline for the rows of all test folds."""

    name: str
    is_baseline: bool
    prediction: NDArray[np.float64]
    """(m,): log return, in the order of the tested rows."""

    tails: OutOfFoldTails | None = None
    """Of the quantiles that its intervals are made of; None where a band makes them."""

    probability: NDArray[np.float64] | None = None
    """(m,): of a rise, where the model estimates it itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """An estimator against the baseline with the smallest error."""

    best_baseline: str
    p_value: float
    """Chance of so large a gain in squared error if the estimator were no better."""

    gain: Proportion
    """Share of the baseline's squared error that the estimator saves, with its 95% interval."""

    beats_baselines: bool
    verdict: str
    """The same in a sentence, with the figures."""


class Evaluator:
    """Scores forecasts on the rows that the folds test: the same rows for all of them."""

    def __init__(
        self,
        dataset: Dataset,
        folds: Sequence[Fold],
        *,
        coverage: float,
        engine: Engine = HERE,
    ) -> None:
        self.dataset = dataset
        self.engine = engine
        self.coverage = coverage
        self._fold = np.repeat(np.arange(len(folds)), [len(fold.test) for fold in folds])
        self.folds = tuple(folds)
        self.rows = np.concatenate([fold.test for fold in folds])
        self.target = dataset.target[self.rows]
        self._as_of_time = dataset.as_of_time[self.rows]
        self._target_time = dataset.target_time[self.rows]
        self._features = dataset.features[self.rows]
        self.baselines = tuple(
            OutOfFold(name=name, is_baseline=True, prediction=forecast[self.rows])
            for name, forecast in dataset.baselines.items()
        )

    def walk_forward(
        self, name: str, estimator: Estimator, *, seed: int, progress: Progress
    ) -> OutOfFold:
        """Fit anew for each fold and predict its test rows."""
        estimators = [estimator] * len(self.folds)
        return self.walk_forward_each(name, estimators, seed=seed, progress=progress)

    def walk_forward_each(
        self, name: str, estimators: Sequence[Estimator], *, seed: int, progress: Progress
    ) -> OutOfFold:
        """Fit each fold's own estimator to it and predict its test rows."""
        with progress.step(f"{name}: folds", len(self.folds)) as advance:
            found = _forecast_folds(
                self.dataset,
                self.folds,
                estimators,
                seed=seed,
                advance=advance,
                engine=self.engine,
            )
        return OutOfFold(
            name=name,
            is_baseline=False,
            prediction=_joined([one.prediction for one in found]),
            probability=_joined(known) if (known := _probabilities(found)) else None,
        )

    def always_up(self) -> Proportion | None:
        """Return what always saying "up" scores as a direction; None when nothing moved."""
        return self._direction(np.ones_like(self.target))

    def score(self, forecast: OutOfFold) -> Score:
        """Measure one forecast; constants have no information coefficient, zero no direction."""
        prediction = forecast.prediction
        direction = self._direction(prediction)
        return Score(
            estimator=forecast.name,
            is_baseline=forecast.is_baseline,
            rmse=rmse(prediction, self.target),
            r2_vs_zero=r2_vs_zero(prediction, self.target),
            information_coefficient=information_coefficient(prediction, self.target),
            directional_accuracy=direction.value if direction else None,
            directional_accuracy_low=direction.low if direction else None,
            directional_accuracy_high=direction.high if direction else None,
            interval_coverage=self._interval_coverage(forecast),
            rows=len(prediction),
        )

    def compare(self, forecast: OutOfFold) -> Comparison:
        """Test a forecast against the baseline with the smallest error."""
        best = min(self.baselines, key=lambda baseline: rmse(baseline.prediction, self.target))
        p_value = probability_of_no_gain(
            forecast.prediction,
            best.prediction,
            self.target,
            self._as_of_time,
            horizon=self.dataset.horizon,
        )
        error = (self.target - best.prediction) ** 2
        gain = bootstrap_ratio(
            error - (self.target - forecast.prediction) ** 2,
            error,
            self._as_of_time,
            horizon=self.dataset.horizon,
        )
        own, other = rmse(forecast.prediction, self.target), rmse(best.prediction, self.target)
        beats = own < other and p_value < SIGNIFICANCE
        return Comparison(
            best_baseline=best.name,
            p_value=p_value,
            gain=gain,
            beats_baselines=beats,
            verdict=f"{forecast.name} {_finding(own, other, best.name, p_value)} "
            f"(RMSE {100 * own:.5g}% against {100 * other:.5g}%, p = {p_value:.3f})"
            f"{self._against_always_up(forecast)}.",
        )

    def band(self, forecast: OutOfFold) -> ConformalBand:
        """Fit the interval that the model is served with, from the residuals of every fold.

        Raises TooFewResiduals.
        """
        return self._fit_band(self.target - forecast.prediction, self._features)

    def split_bounds(self, forecast: OutOfFold) -> Bounds:
        """Return the ends (m,), (m,) of each fold's interval, calibrated on the folds before it.

        NaN in the first fold and wherever the folds before have too few rows.
        """
        residual = self.target - forecast.prediction
        names = self.dataset.feature_set.names

        def bounds(known: Rows, test: Rows) -> Bounds:
            band = self._fit_band(residual[known], self._features[known])
            scale = band.scales(self._features[test], names)
            return band.bounds(forecast.prediction[test], scale)

        return self._walk_bounds(bounds)

    def quantile_bounds(self, forecast: OutOfFold, tails: OutOfFoldTails) -> Bounds:
        """Return the same of intervals that are made of quantiles."""

        def bounds(known: Rows, test: Rows) -> Bounds:
            corrections = tails.corrections(self.target, known, coverage=self.coverage)
            return tails.bounds(forecast.prediction, test, corrections)

        return self._walk_bounds(bounds)

    def _walk_bounds(self, bounds: Callable[[Rows, Rows], Bounds]) -> Bounds:
        lower, upper = np.full((2, len(self.target)), np.nan)
        for fold in range(1, len(self.folds)):
            test = self._fold == fold
            # As in production: only residuals whose targets were known when the fold began.
            known = self._target_time < self._as_of_time[test].min()
            with suppress(TooFewResiduals):
                lower[test], upper[test] = bounds(known, test)
        return lower, upper

    def _direction(self, prediction: NDArray[np.float64]) -> Proportion | None:
        return directional_accuracy(
            prediction, self.target, self._as_of_time, horizon=self.dataset.horizon
        )

    def _against_always_up(self, forecast: OutOfFold) -> str:
        own, other = self._direction(forecast.prediction), self.always_up()
        if own is None or other is None:
            return ""
        return f"; its direction was right {own.value:.1%} of the time, always up {other.value:.1%}"

    def _interval_coverage(self, forecast: OutOfFold) -> float | None:
        tails = forecast.tails
        lower, upper = (
            self.split_bounds(forecast) if tails is None else self.quantile_bounds(forecast, tails)
        )
        given = ~np.isnan(lower)
        held = (lower <= self.target) & (self.target <= upper)
        return float(held[given].mean()) if given.any() else None

    def _fit_band(
        self, residual: NDArray[np.float64], features: NDArray[np.float32]
    ) -> ConformalBand:
        names = self.dataset.feature_set.names
        # A set of the user's own may not have it: intervals are then of one width for all.
        feature = SCALE_FEATURE if SCALE_FEATURE in names else None
        floor = 1.0
        if feature is not None:
            volatility = features[:, names.index(feature)].astype(np.float64)
            moving = volatility[volatility > 0.0]
            floor = float(np.quantile(moving, _FLOOR_PROBABILITY)) if len(moving) else 1.0
        return ConformalBand.fit(
            residual,
            conformal_scales(features, names, scale_feature=feature, scale_floor=floor),
            coverage=self.coverage,
            scale_feature=feature,
            scale_floor=floor,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _FoldRequest:
    """What a worker needs to forecast one fold: its own rows, and no others."""

    estimator: Estimator
    seed: int
    train: NDArray[np.float32]
    target: NDArray[np.float64]
    test: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _FoldForecast:
    """What a worker says of the tested rows of one fold."""

    prediction: NDArray[np.float32]
    probability: NDArray[np.float32] | None


def forecast_folds(
    dataset: Dataset,
    folds: Sequence[Fold],
    estimators: Sequence[Estimator],
    *,
    seed: int,
    advance: Advance,
    engine: Engine = HERE,
) -> NDArray[np.float64]:
    """Fit each fold's estimator to its training rows and return what it says of its test rows.

    One value for each test row, fold after fold; ``advance`` is told of each fold. Folds are
    computed on ``engine``.
    """
    found = _forecast_folds(dataset, folds, estimators, seed=seed, advance=advance, engine=engine)
    return _joined([one.prediction for one in found])


def _forecast_folds(
    dataset: Dataset,
    folds: Sequence[Fold],
    estimators: Sequence[Estimator],
    *,
    seed: int,
    advance: Advance,
    engine: Engine,
) -> list[_FoldForecast]:
    features, target = dataset.features, dataset.target
    requests = (
        _FoldRequest(
            estimator=estimator,
            seed=seed,
            train=features[fold.train],
            target=target[fold.train],
            test=features[fold.test],
        )
        for fold, estimator in zip(folds, estimators, strict=True)
    )
    found = []
    for forecast in engine.map(_forecast_fold, requests):
        found.append(forecast)
        advance(1)
    return found


def _forecast_fold(request: _FoldRequest) -> _FoldForecast:
    model = request.estimator.fit(request.train, request.target, seed=request.seed)
    return _FoldForecast(
        prediction=model.predict(request.test), probability=probability_of(model, request.test)
    )


def _probabilities(found: Sequence[_FoldForecast]) -> list[NDArray[np.float32]]:
    return [one.probability for one in found if one.probability is not None]


def _joined(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    return np.concatenate(parts).astype(np.float64)


def _finding(own: float, other: float, baseline: str, p_value: float) -> str:
    if own >= other:
        return f"does not beat the baselines: it errs no less than {baseline}, the best of them"
    if p_value >= SIGNIFICANCE:
        return (
            f"does not beat the baselines: its lead over {baseline}, the best of them, "
            "may be chance"
        )
    return f"beats the baselines: it errs less than {baseline}, the best of them"
