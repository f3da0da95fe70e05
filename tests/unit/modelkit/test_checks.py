"""The checks pass for the core set, and each fails for a feature that breaks its promise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast_modelkit import checks
from tickcast_modelkit.errors import FailedCheck, TooFewBars
from tickcast_modelkit.features import CORE, Feature, Windows
from tickcast_modelkit.features.columns import BarColumns, Column
from tickcast_modelkit.features.feature_set import FeatureFunction, FeatureSet
from tickcast_modelkit.testing import random_walk_bars

BARS = random_walk_bars(CORE.window + 40)


def test_the_core_set_passes_every_check() -> None:
    checks.check_feature_set(CORE)


def number_of_calls() -> FeatureFunction:
    calls = 0

    def stateful(bars: BarColumns) -> Column:
        nonlocal calls
        calls += 1
        return np.full(len(bars.close), float(calls))

    return stateful


def not_a_number(bars: BarColumns) -> Column:
    return np.where(bars.close[:, -1] > bars.close[:, -2], 1.0, np.nan)


def centred_on_the_batch(bars: BarColumns) -> Column:
    returns = bars.log_return[:, -1]
    return np.asarray(returns - returns.mean())


def position_in_the_batch(bars: BarColumns) -> Column:
    return np.arange(len(bars.close), dtype=np.float64)


def price(bars: BarColumns) -> Column:
    return bars.close[:, -1]


def volume(bars: BarColumns) -> Column:
    return bars.volume[:, -1]


def last_of_the_batch(bars: BarColumns) -> Column:
    # What a window would see if its series were cut from the future as well.
    return np.full(len(bars.close), bars.close[-1, -1] / bars.close[0, 0])


def with_feature(function: FeatureFunction) -> FeatureSet:
    return replace(CORE, features=(*CORE.features[:3], Feature("broken", function)))


@pytest.mark.parametrize(
    ("check", "function"),
    [
        (checks.check_finite, not_a_number),
        (checks.check_deterministic, number_of_calls()),
        (checks.check_one_equals_many, centred_on_the_batch),
        (checks.check_permutation, position_in_the_batch),
        (checks.check_future_truncation, last_of_the_batch),
        (checks.check_short_windows, centred_on_the_batch),
        (checks.check_scale, price),
        (checks.check_scale, volume),
    ],
)
def test_a_broken_promise_is_found_and_named(
    check: checks.Check, function: FeatureFunction
) -> None:
    with pytest.raises(FailedCheck) as caught:
        check(with_feature(function), BARS)
    name = check.__name__.removeprefix("check_")
    assert str(caught.value).startswith(f"{name}: broken ")


def test_a_feature_cannot_write_to_what_the_others_read() -> None:
    def writes(bars: BarColumns) -> Column:
        bars.close[:] = 1.0
        return bars.close[:, -1]

    with pytest.raises(ValueError, match="read-only"):
        checks.check_deterministic(with_feature(writes), BARS)


def test_fewer_bars_than_the_minimum_prove_nothing() -> None:
    with pytest.raises(TooFewBars):
        checks.check_finite(CORE, random_walk_bars(CORE.minimum_bars - 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class DoublePrecision(FeatureSet):
    """Leaves out the last step."""

    def compute(self, windows: Windows) -> NDArray[np.float32]:
        return super().compute(windows).astype(np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class DependsOnLayout(FeatureSet):
    """Adds up in the order in which the windows lie in memory."""

    def compute(self, windows: Windows) -> NDArray[np.float32]:
        features = super().compute(windows)
        features[:, 0] = windows.ohlcv.flags.c_contiguous
        return features


@dataclass(frozen=True, kw_only=True, eq=False)
class WritesToItsWindows(FeatureSet):
    """Is not pure."""

    def compute(self, windows: Windows) -> NDArray[np.float32]:
        features = super().compute(windows)
        if windows.ohlcv.flags.writeable:
            windows.ohlcv[:, 0] = 1.0
        return features


def of_kind(kind: type[FeatureSet]) -> FeatureSet:
    return kind(name="broken", window=256, minimum_bars=64, features=CORE.features[:3])


def test_the_wrong_type_is_found() -> None:
    with pytest.raises(FailedCheck, match="shape_and_type: was float64 of shape"):
        checks.check_shape_and_type(of_kind(DoublePrecision), BARS)


def test_dependence_on_the_layout_is_found() -> None:
    with pytest.raises(FailedCheck, match="strides: return_1 had other bits"):
        checks.check_strides(of_kind(DependsOnLayout), BARS)


def test_writing_to_the_windows_is_found() -> None:
    with pytest.raises(FailedCheck, match="deterministic: the windows were written to"):
        checks.check_deterministic(of_kind(WritesToItsWindows), BARS)
