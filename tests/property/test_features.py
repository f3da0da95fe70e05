"""What holds for every feature, whatever the bars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_modelkit.bars import GREATEST_PRICE, LEAST_PRICE, BarSeries, find_bar_problems
from tickcast_modelkit.checks import CHECKS, Check
from tickcast_modelkit.features import CORE, Windows, last_window, sliding_windows
from tickcast_modelkit.testing import random_walk_bars

LONGEST = CORE.window + 60


@dataclass(frozen=True)
class Event:
    """Something that happens in a market from one row on."""

    kind: Literal["jump", "halt", "silence", "one price"]
    row: int
    length: int
    factor: float


events = st.builds(
    Event,
    kind=st.sampled_from(("jump", "halt", "silence", "one price")),
    row=st.integers(0, LONGEST),
    length=st.integers(1, LONGEST),
    factor=st.sampled_from((1e-6, 0.5, 2.0, 1e6)),
)


@st.composite
def bar_series(draw: st.DrawFn) -> BarSeries:
    """Valid bars of any age: calm or wild, dear or cheap, with splits, halts and silent days."""
    bars = random_walk_bars(
        draw(st.integers(CORE.minimum_bars, LONGEST)),
        timeframe=draw(st.sampled_from(("1d", "1s", "5m", "1h", "1w"))),
        volatility=draw(st.sampled_from((0.02, 0.0, 1e-13, 1e-6, 0.3))),
        seed=draw(st.integers(0, 2**16)),
    )
    values = bars.ohlcv.copy()
    values[:, :4] *= 10.0 ** draw(st.integers(-16, 12))
    for event in draw(st.lists(events, max_size=4)):
        rows = slice(event.row, event.row + event.length)
        match event.kind:
            case "jump":
                values[event.row :, :4] *= event.factor
            case "halt":
                values[rows, :4] = values[min(event.row, len(values) - 1), 3]
            case "silence":
                values[rows, 4] = 0.0
            case "one price":
                values[rows, :3] = values[rows, 3:4]
    values[:, :4] = values[:, :4].clip(LEAST_PRICE, GREATEST_PRICE)
    series = replace(bars, ohlcv=values)
    assert not find_bar_problems(series.open_time, series.close_time, values, series.timeframe)
    return series


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@settings(deadline=None, max_examples=20)
@given(bars=bar_series())
def test_every_check_holds_for_any_bars(check: Check, bars: BarSeries) -> None:
    check(CORE, bars)


@settings(deadline=None, max_examples=40)
@given(bars=bar_series(), chunk_rows=st.integers(1, 300), data=st.data())
def test_the_server_computes_the_bits_that_the_trainer_computed(
    bars: BarSeries, chunk_rows: int, data: st.DataObject
) -> None:
    chunks = list(sliding_windows(CORE, bars, chunk_rows=chunk_rows))
    rows = np.concatenate([rows for rows, _ in chunks])
    trained = np.concatenate([CORE.compute(windows) for _, windows in chunks])
    index = data.draw(st.integers(0, len(rows) - 1))
    held = int(rows[index]) + 1
    # A server keeps the last bars alone, in arrays of its own.
    kept = bars.slice(max(0, held - CORE.window), held)
    served = CORE.compute(last_window(CORE, kept.open_time.copy(), kept.ohlcv.copy()))
    assert served.tobytes() == trained[index].tobytes()


@settings(deadline=None, max_examples=40)
@given(bars=bar_series(), later=bar_series(), data=st.data())
def test_bars_that_come_later_change_nothing(
    bars: BarSeries, later: BarSeries, data: st.DataObject
) -> None:
    held = data.draw(st.integers(CORE.minimum_bars, len(bars)))
    before = np.concatenate(
        [CORE.compute(w) for _, w in sliding_windows(CORE, bars.slice(0, held))]
    )
    grown = replace(
        bars,
        open_time=bars.open_time[0] + bars.timeframe.seconds * np.arange(held + len(later)),
        ohlcv=np.concatenate([bars.ohlcv[:held], later.ohlcv]),
    )
    after = np.concatenate([CORE.compute(w) for _, w in sliding_windows(CORE, grown)])
    assert after[: len(before)].tobytes() == before.tobytes()


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    price=st.floats(1e-3, 1e3),
    volume=st.floats(1e-3, 1e3),
)
def test_no_unit_of_price_or_volume_matters(seed: int, price: float, volume: float) -> None:
    bars = random_walk_bars(300, seed=seed)
    window = last_window(CORE, bars.open_time, bars.ohlcv)
    factors = np.array([price, price, price, price, volume])
    scaled = Windows(window.ohlcv * factors, window.open_time)
    np.testing.assert_allclose(CORE.compute(scaled), CORE.compute(window), rtol=1e-5, atol=1e-7)


@settings(deadline=None, max_examples=40)
@given(bars=bar_series())
def test_features_stay_in_the_range_that_their_definition_gives(bars: BarSeries) -> None:
    _, windows = next(sliding_windows(CORE, bars, chunk_rows=LONGEST))
    features = dict(zip(CORE.names, CORE.compute(windows).T.astype(np.float64), strict=True))

    def within(name: str, least: float, most: float) -> bool:
        return bool(np.all((least <= features[name]) & (features[name] <= most)))

    assert within("rsi_14", 0.0, 1.0)
    assert within("stochastic_k_14", 0.0, 1.0)
    assert within("stochastic_d_14", 0.0, 1.0)
    assert within("volume_trend", -1.0, 1.0)
    assert within("volume_surprise_20", -1.0, 1.0)
    # The most that one of 20 values can be away from their mean is the root of 19.
    assert within("volume_zscore_20", -(19.0**0.5) - 1e-6, 19.0**0.5 + 1e-6)
    assert within("bollinger_position_20", -(19.0**0.5) / 2 - 1e-6, 19.0**0.5 / 2 + 1e-6)
    for name in CORE.names:
        if "volatility" in name or "range" in name:
            assert within(name, 0.0, np.inf)
    parts = abs(features["candle_body"]) + features["upper_shadow"] + features["lower_shadow"]
    assert np.all((np.abs(parts - 1.0) < 1e-6) | (parts == 0.0))
    for cycle in ("week", "month"):
        radius = np.hypot(features[f"{cycle}_sine"], features[f"{cycle}_cosine"])
        assert np.all(np.abs(radius - 1.0) < 1e-6)
