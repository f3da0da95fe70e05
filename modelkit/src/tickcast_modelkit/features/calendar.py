"""Where the last bar opened in the week and in the month, in UTC, as a point on a circle.

A pair of sine and cosine puts the end of a cycle beside its beginning. Where a timeframe always
opens at the same point, the features are constant and say nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.features.columns import BarColumns, Column
from tickcast_modelkit.timeframe import Timeframe

_WEEK = Timeframe(1, "w")


def week_sine(bars: BarColumns) -> Column:
    """Sine of the time since Monday 00:00, a week being a full turn."""
    return np.sin(_turn_of_week(bars.last_open_time))


def week_cosine(bars: BarColumns) -> Column:
    """Cosine of the time since Monday 00:00, a week being a full turn."""
    return np.cos(_turn_of_week(bars.last_open_time))


def month_sine(bars: BarColumns) -> Column:
    """Sine of the time since the month began, the month being a full turn."""
    return np.sin(_turn_of_month(bars.last_open_time))


def month_cosine(bars: BarColumns) -> Column:
    """Cosine of the time since the month began, the month being a full turn."""
    return np.cos(_turn_of_month(bars.last_open_time))


def _turn_of_week(time: NDArray[np.int64]) -> Column:
    elapsed = (time - _WEEK.floor_all(time)).astype(np.float64)
    return elapsed * (2.0 * np.pi / _WEEK.seconds)


def _turn_of_month(time: NDArray[np.int64]) -> Column:
    month = time.astype("datetime64[s]").astype("datetime64[M]")
    start = month.astype("datetime64[s]").astype(np.int64)
    end = (month + 1).astype("datetime64[s]").astype(np.int64)
    elapsed, length = (time - start).astype(np.float64), (end - start).astype(np.float64)
    return elapsed / length * (2.0 * np.pi)
