"""Whether a large prediction is followed by a large return."""

import numpy as np

from tickcast_trainer.reporting.document import Calibration, Group
from tickcast_trainer.reporting.measure.estimates import mean_of, ratio_of
from tickcast_trainer.reporting.measure.scored import ScoredRows

_GROUPS = 10


def measure_calibration(tested: ScoredRows) -> Calibration | None:
    """Compare deciles of the prediction with what came; None for a constant prediction.

    Equal predictions stay together, so that there may be fewer groups than ten.
    """
    prediction, target = tested.prediction, tested.target
    if np.ptp(prediction) == 0.0:
        return None
    borders = np.unique(np.quantile(prediction, np.linspace(0.0, 1.0, _GROUPS + 1)[1:-1]))
    group = np.searchsorted(borders, prediction, side="left")
    deviation = prediction - prediction.mean()
    groups = []
    for number in np.unique(group):
        chosen = group == number
        groups.append(
            Group(
                rows=int(chosen.sum()),
                predicted=float(prediction[chosen].mean()),
                realised=mean_of(target[chosen], tested.as_of_time[chosen], horizon=tested.horizon),
            )
        )
    return Calibration(
        slope=ratio_of(
            deviation * (target - target.mean()),
            deviation**2,
            tested.as_of_time,
            horizon=tested.horizon,
        ),
        groups=tuple(groups),
    )
