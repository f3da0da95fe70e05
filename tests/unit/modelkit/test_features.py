"""Each feature against its definition, worked out by hand or in a loop."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE, last_window
from tickcast_modelkit.testing import bars_of, flat_bars, random_walk_bars


def features_of(bars: BarSeries) -> dict[str, float]:
    values = CORE.compute(last_window(CORE, bars.open_time, bars.ohlcv))[0]
    return dict(zip(CORE.names, values.tolist(), strict=True))


WALK = random_walk_bars(300)
FEATURES = features_of(WALK)
ROWS = [dict(zip(("o", "h", "l", "c", "v"), row, strict=True)) for row in WALK.ohlcv.tolist()]


def about(value: float) -> object:
    return pytest.approx(value, rel=1e-6, abs=1e-9)


def test_a_constant_price_gives_the_neutral_value_of_every_feature() -> None:
    neutral = dict.fromkeys(CORE.names, 0.0)
    neutral |= {"rsi_14": 0.5, "stochastic_k_14": 0.5, "stochastic_d_14": 0.5}
    found = features_of(flat_bars(300, price=0.1, volume=7.7))
    calendar = {"week_sine", "week_cosine", "month_sine", "month_cosine"}
    for name in found.keys() - calendar:
        assert found[name] == pytest.approx(neutral[name], abs=1e-15), name


@pytest.mark.parametrize("span", [1, 2, 3, 5, 10, 21, 63])
def test_return(span: int) -> None:
    assert FEATURES[f"return_{span}"] == about(math.log(ROWS[-1]["c"] / ROWS[-1 - span]["c"]))


@pytest.mark.parametrize("span", [5, 20, 63])
def test_realised_volatility(span: int) -> None:
    returns = [math.log(ROWS[-i]["c"] / ROWS[-i - 1]["c"]) for i in range(1, span + 1)]
    expected = math.sqrt(sum(r * r for r in returns) / span)
    assert FEATURES[f"realised_volatility_{span}"] == about(expected)


def test_parkinson_volatility() -> None:
    total = sum(math.log(row["h"] / row["l"]) ** 2 for row in ROWS[-20:])
    expected = math.sqrt(total / (20 * 4 * math.log(2)))
    assert FEATURES["parkinson_volatility_20"] == about(expected)


def test_garman_klass_volatility() -> None:
    total = sum(
        0.5 * math.log(row["h"] / row["l"]) ** 2
        - (2 * math.log(2) - 1) * math.log(row["c"] / row["o"]) ** 2
        for row in ROWS[-20:]
    )
    assert FEATURES["garman_klass_volatility_20"] == about(math.sqrt(total / 20))


def test_yang_zhang_volatility() -> None:
    rows, before = ROWS[-20:], ROWS[-21:-1]
    jumps = [math.log(row["o"] / last["c"]) for row, last in zip(rows, before, strict=True)]
    bodies = [math.log(row["c"] / row["o"]) for row in rows]
    rogers_satchell = sum(
        math.log(row["h"] / row["c"]) * math.log(row["h"] / row["o"])
        + math.log(row["l"] / row["c"]) * math.log(row["l"] / row["o"])
        for row in rows
    )
    k = 0.34 / (1.34 + 21 / 19)
    variance = (
        float(np.var(jumps, ddof=1))
        + k * float(np.var(bodies, ddof=1))
        + (1 - k) * rogers_satchell / 20
    )
    assert FEATURES["yang_zhang_volatility_20"] == about(math.sqrt(variance))


def test_range_estimators_agree_with_the_volatility_of_a_fine_walk() -> None:
    # Bars out of 400 steps each, so that high and low come close to those of a continuous path.
    random, bars, steps, volatility = np.random.default_rng(5), 3_000, 400, 0.02
    path = np.exp(np.cumsum(random.normal(0.0, volatility / math.sqrt(steps), bars * steps)))
    shape = path.reshape(bars, steps)
    columns = shape[:, 0], shape.max(axis=1), shape.min(axis=1), shape[:, -1], np.ones(bars)
    series = bars_of(np.column_stack(columns))
    found = [features_of(series.slice(0, end)) for end in range(300, bars + 1, 20)]
    for name in ("parkinson", "garman_klass", "yang_zhang"):
        mean_square = np.mean([row[f"{name}_volatility_20"] ** 2 for row in found])
        assert math.sqrt(float(mean_square)) == pytest.approx(volatility, rel=0.08)


def with_volume(volume: list[float]) -> dict[str, float]:
    bars = random_walk_bars(300).ohlcv.copy()
    bars[:, 4] = 0.0
    bars[300 - len(volume) :, 4] = volume
    return features_of(bars_of(bars))


def test_volume_zscore() -> None:
    volume = [float(10 + i % 7) for i in range(20)]
    expected = (volume[-1] - np.mean(volume)) / np.std(volume)
    assert with_volume(volume)["volume_zscore_20"] == about(float(expected))


def test_volume_surprise_compares_with_the_bars_before() -> None:
    volume = [10.0] * 20
    assert with_volume([*volume, 30.0])["volume_surprise_20"] == about(0.5)
    assert with_volume([*volume, 0.0])["volume_surprise_20"] == -1.0
    assert with_volume([*volume, 10.0])["volume_surprise_20"] == 0.0
    assert with_volume([5.0])["volume_surprise_20"] == 1.0


def test_volume_trend_compares_five_bars_with_sixty_three() -> None:
    assert with_volume([10.0] * 58 + [20.0] * 5)["volume_trend"] == about(
        (20 - 680 / 63) / (20 + 680 / 63)
    )
    assert with_volume([10.0] * 58 + [0.0] * 5)["volume_trend"] == -1.0


def with_last_bar(*bar: float) -> dict[str, float]:
    bars = flat_bars(300).ohlcv.copy()
    bars[-1] = (*bar, 1.0)
    return features_of(bars_of(bars))


def test_the_shape_of_the_last_bar() -> None:
    rising = with_last_bar(102.0, 110.0, 100.0, 105.0)
    assert rising["candle_body"] == about(0.3)
    assert rising["upper_shadow"] == about(0.5)
    assert rising["lower_shadow"] == about(0.2)
    assert rising["gap"] == about(math.log(1.02))
    falling = with_last_bar(105.0, 110.0, 100.0, 102.0)
    assert falling["candle_body"] == about(-0.3)
    assert falling["upper_shadow"] == about(0.5)
    assert falling["lower_shadow"] == about(0.2)


def on(timeframe: str, text: str) -> dict[str, float]:
    end = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    bars = random_walk_bars(300, timeframe=timeframe)
    seconds = bars.timeframe.seconds
    return features_of(random_walk_bars(300, timeframe=timeframe, start=end - 299 * seconds))


def angle(features: dict[str, float], cycle: str) -> float:
    turn = math.atan2(features[f"{cycle}_sine"], features[f"{cycle}_cosine"]) / (2 * math.pi)
    return turn % 1.0


@pytest.mark.parametrize(
    ("timeframe", "time", "week", "month"),
    [
        ("1d", "2024-02-01", 3 / 7, 0.0),
        ("1d", "2024-02-29", 3 / 7, 28 / 29),
        ("1d", "2023-02-15", 2 / 7, 14 / 28),
        ("1d", "2024-12-31", 1 / 7, 30 / 31),
        ("1h", "2024-04-16T12:00:00", 1.5 / 7, 15.5 / 30),
        ("1w", "2024-04-15", 0.0, 14 / 30),
    ],
)
def test_calendar(timeframe: str, time: str, week: float, month: float) -> None:
    features = on(timeframe, time)
    assert angle(features, "week") == pytest.approx(week, abs=1e-6)
    assert angle(features, "month") == pytest.approx(month, abs=1e-6)
