"""The same error fold by fold, symbol by symbol, and as it added up over time."""

from collections.abc import Sequence

import numpy as np
from tickcast_modelkit import manifest

from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.metrics import rmse
from tickcast_trainer.reporting.document import CoursePoint, Fold, SymbolSkill
from tickcast_trainer.reporting.measure.scored import ScoredRows
from tickcast_trainer.reporting.measure.thinning import spread

_COURSE_POINTS = 240


def measure_folds(
    evaluator: Evaluator, forecast: OutOfFold, folds: Sequence[manifest.Fold], tested: ScoredRows
) -> tuple[Fold, ...]:
    """Score each fold by itself: the forecast and every baseline."""
    contenders = (forecast, *evaluator.baselines)
    measured = []
    for number, fold in enumerate(folds):
        chosen = tested.fold == number
        measured.append(
            Fold(
                train_start=fold.train_start,
                train_end=fold.train_end,
                test_start=fold.test_start,
                test_end=fold.test_end,
                train_rows=fold.train_rows,
                test_rows=fold.test_rows,
                rmse={
                    one.name: rmse(one.prediction[chosen], tested.target[chosen])
                    for one in contenders
                },
                saved=tested.saved(chosen),
            )
        )
    return tuple(measured)


def measure_symbols(tested: ScoredRows, symbols: Sequence[str]) -> tuple[SymbolSkill, ...]:
    """Score each symbol by itself; one without a tested row is left out."""
    total = float(tested.baseline_error.sum())
    measured = []
    for index, symbol in enumerate(symbols):
        chosen = tested.series_index == index
        if not chosen.any():
            continue
        target = tested.target[chosen]
        measured.append(
            SymbolSkill(
                symbol=symbol,
                rows=len(target),
                rmse=rmse(tested.prediction[chosen], target),
                baseline_rmse=rmse(tested.baseline[chosen], target),
                saved=tested.saved(chosen),
                saved_of_all=float(tested.saved_error[chosen].sum()) / total,
            )
        )
    return tuple(measured)


def measure_course(tested: ScoredRows) -> tuple[CoursePoint, ...]:
    """Add up the squared error that the model saved, from the first test to the last."""
    times, place = np.unique(tested.as_of_time, return_inverse=True)
    saved = np.cumsum(np.bincount(place, weights=tested.saved_error)) / tested.baseline_error.sum()
    return tuple(
        CoursePoint(time=int(times[at]), saved=float(saved[at]))
        for at in spread(len(times), _COURSE_POINTS)
    )
