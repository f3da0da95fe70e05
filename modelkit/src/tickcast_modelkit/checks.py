"""The promises that every feature set makes, as checks with a name.

A check takes a feature set and a series of at least its minimum of valid bars, and raises
FailedCheck with the features that broke the promise. ``check_feature_set`` runs them all over bars
that are ordinary and bars that are not. Ranks among symbols are made of features that keep them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.bars import GREATEST_PRICE, LEAST_PRICE, BarSeries
from tickcast_modelkit.errors import FailedCheck, TooFewBars
from tickcast_modelkit.features import FeatureSet, Windows, last_window, sliding_windows
from tickcast_modelkit.testing import bars_of, flat_bars, random_walk_bars

Check = Callable[[FeatureSet, BarSeries], None]
Features = NDArray[np.float32]


def check_shape_and_type(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require one float32 row of all features for each window, and none for no window."""
    windows = _windows(feature_set, bars)
    for count in (0, 1, len(windows)):
        found = feature_set.compute(_take(windows, slice(0, count)))
        needed = (count, len(feature_set.features))
        if found.shape != needed or found.dtype != np.float32:
            raise FailedCheck(
                "shape_and_type",
                f"was {found.dtype} of shape {found.shape}, needed float32 of shape {needed}",
            )


def check_finite(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require that every feature is a finite number, whatever valid bars there are."""
    features = feature_set.compute(_windows(feature_set, bars))
    _require("finite", feature_set, np.isfinite(features), "was not finite")


def check_deterministic(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require that the same windows give the same bits again, and are left as they were."""
    windows = _contiguous(_windows(feature_set, bars))
    before = windows.ohlcv.copy()
    first, second = feature_set.compute(windows), feature_set.compute(windows)
    _require_same("deterministic", feature_set, first, second)
    if not np.array_equal(windows.ohlcv, before):
        raise FailedCheck("deterministic", "the windows were written to, needed a pure function")


def check_one_equals_many(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require that a window gives the same bits alone as among others."""
    windows = _windows(feature_set, bars)
    many = feature_set.compute(windows)
    for size in (1, 7):
        starts = range(0, len(windows), size)
        parts = [
            feature_set.compute(_take(windows, slice(start, start + size))) for start in starts
        ]
        _require_same("one_equals_many", feature_set, np.concatenate(parts), many)


def check_permutation(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require that the order of the windows does not matter to any of them."""
    windows = _windows(feature_set, bars)
    order = np.random.default_rng(0).permutation(len(windows))
    shuffled = feature_set.compute(_take(windows, order))
    _require_same("permutation", feature_set, shuffled, feature_set.compute(windows)[order])


def check_strides(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require that the layout of the windows in memory does not matter."""
    windows = _windows(feature_set, bars)
    needed = feature_set.compute(_contiguous(windows))
    for other in _layouts(windows):
        _require_same("strides", feature_set, feature_set.compute(other), needed)


def check_future_truncation(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require that later bars change no feature, neither by being there nor by their values."""
    needed = feature_set.compute(_windows(feature_set, bars))
    for held in _cuts(feature_set, bars):
        other = bars.ohlcv.copy()
        other[held:] *= 3.0
        past = held - feature_set.minimum_bars + 1
        for history in (bars.slice(0, held), replace(bars, ohlcv=other)):
            found = feature_set.compute(_windows(feature_set, history))
            _require_same("future_truncation", feature_set, found[:past], needed[:past])


def check_short_windows(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require that the server's last window is the trainer's, also for a symbol with few bars.

    With fewer bars than the minimum, it is refused.
    """
    needed = feature_set.compute(_windows(feature_set, bars))
    first = feature_set.minimum_bars - 1
    for held in _cuts(feature_set, bars):
        window = last_window(feature_set, bars.open_time[:held], bars.ohlcv[:held])
        row = held - 1 - first
        found = feature_set.compute(window)
        _require_same("short_windows", feature_set, found, needed[row : row + 1])
    try:
        last_window(feature_set, bars.open_time[:first], bars.ohlcv[:first])
    except TooFewBars:
        return
    raise FailedCheck("short_windows", f"{first} bars were accepted, needed TooFewBars")


def check_scale(feature_set: FeatureSet, bars: BarSeries) -> None:
    """Require that neither the unit of the price nor that of the volume matters.

    The factors are powers of two, by which floating point multiplies without rounding.
    """
    windows = _windows(feature_set, bars)
    needed = feature_set.compute(windows)
    for price, volume in ((2.0**10, 1.0), (2.0**-10, 1.0), (1.0, 2.0**20), (1.0, 2.0**-20)):
        factors = np.array([price, price, price, price, volume])
        scaled = Windows(windows.ohlcv * factors, windows.open_time)
        _require_same("scale", feature_set, feature_set.compute(scaled), needed)


CHECKS: tuple[Check, ...] = (
    check_shape_and_type,
    check_finite,
    check_deterministic,
    check_one_equals_many,
    check_permutation,
    check_strides,
    check_future_truncation,
    check_short_windows,
    check_scale,
)


def check_feature_set(feature_set: FeatureSet) -> None:
    """Run every check over ordinary and extreme bars.

    Raises FailedCheck.
    """
    for bars in _trials(feature_set.window):
        for check in CHECKS:
            check(feature_set, bars)


def _trials(window: int) -> Iterator[BarSeries]:
    length = window + 40
    yield random_walk_bars(length)
    yield random_walk_bars(length, timeframe="5m", price=LEAST_PRICE * 1e3, seed=1)
    yield random_walk_bars(length, timeframe="1w", price=GREATEST_PRICE / 1e3, seed=2)
    yield flat_bars(length)
    yield flat_bars(length, price=0.1, volume=3.3)
    jumps = random_walk_bars(length, seed=3).ohlcv.copy()
    jumps[length // 2 :: 2, :4] = GREATEST_PRICE
    jumps[length // 2 + 1 :: 2, :4] = LEAST_PRICE
    jumps[:, 4] = 0.0
    yield bars_of(jumps)


def _windows(feature_set: FeatureSet, bars: BarSeries) -> Windows:
    for _, windows in sliding_windows(feature_set, bars, chunk_rows=max(1, len(bars))):
        return windows
    raise TooFewBars(held=len(bars), needed=feature_set.minimum_bars)


def _cuts(feature_set: FeatureSet, bars: BarSeries) -> list[int]:
    # The youngest that is allowed, the edge of a full window, and the whole series.
    edges = (feature_set.minimum_bars, feature_set.window - 1, feature_set.window, len(bars))
    return sorted({held for held in edges if feature_set.minimum_bars <= held <= len(bars)})


def _take(windows: Windows, rows: slice | NDArray[np.int64]) -> Windows:
    return Windows(windows.ohlcv[rows], windows.open_time[rows])


def _contiguous(windows: Windows) -> Windows:
    return Windows(windows.ohlcv.copy(order="C"), windows.open_time.copy(order="C"))


def _layouts(windows: Windows) -> Iterator[Windows]:
    yield windows
    yield Windows(windows.ohlcv.copy(order="F"), windows.open_time.copy(order="F"))
    every = slice(None, None, -1)
    backwards = _contiguous(
        Windows(windows.ohlcv[every, every, every], windows.open_time[every, every])
    )
    yield Windows(backwards.ohlcv[every, every, every], backwards.open_time[every, every])
    doubled = np.repeat(windows.ohlcv, 2, axis=1), np.repeat(windows.open_time, 2, axis=1)
    yield Windows(doubled[0][:, ::2], doubled[1][:, ::2])


def _require_same(check: str, feature_set: FeatureSet, found: Features, needed: Features) -> None:
    # Compared as bits, by which -0.0 and 0.0 differ and NaN equals itself.
    same = found.view(np.uint32) == np.ascontiguousarray(needed).view(np.uint32)
    _require(check, feature_set, same, "had other bits")


def _require(check: str, feature_set: FeatureSet, holds: NDArray[np.bool_], finding: str) -> None:
    if not holds.all():
        row = int(np.argwhere(~holds)[0, 0])
        names = [feature_set.names[column] for column in np.flatnonzero(~holds.all(axis=0))]
        raise FailedCheck(check, f"{', '.join(names)} {finding}, first in window {row}")
