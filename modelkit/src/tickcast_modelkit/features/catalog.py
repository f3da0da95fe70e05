"""The feature sets that this version computes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tickcast_modelkit.errors import UnknownFeatureSet
from tickcast_modelkit.features import calendar, candles, momentum, returns, volatility, volume
from tickcast_modelkit.features.feature_set import Feature, FeatureSet

CORE = FeatureSet(
    name="core",
    window=256,
    minimum_bars=64,
    features=(
        *(
            Feature(f"return_{span}", returns.log_return, {"span": span})
            for span in (1, 2, 3, 5, 10, 21, 63)
        ),
        Feature("sma_distance_10", returns.sma_distance, {"span": 10}),
        Feature("sma_distance_50", returns.sma_distance, {"span": 50}),
        Feature("ema_distance_20", returns.ema_distance, {"span": 20}),
        *(
            Feature(f"realised_volatility_{span}", volatility.realised_volatility, {"span": span})
            for span in (5, 20, 63)
        ),
        Feature("parkinson_volatility_20", volatility.parkinson_volatility, {"span": 20}),
        Feature("garman_klass_volatility_20", volatility.garman_klass_volatility, {"span": 20}),
        Feature("yang_zhang_volatility_20", volatility.yang_zhang_volatility, {"span": 20}),
        Feature("average_true_range_14", volatility.average_true_range, {"span": 14}),
        Feature("rsi_14", momentum.relative_strength_index, {"span": 14}),
        Feature("macd_line", momentum.macd_line, {"fast": 12, "slow": 26}),
        Feature("macd_signal", momentum.macd_signal, {"fast": 12, "slow": 26, "signal": 9}),
        Feature("macd_histogram", momentum.macd_histogram, {"fast": 12, "slow": 26, "signal": 9}),
        Feature("bollinger_position_20", momentum.bollinger_position, {"span": 20, "width": 2.0}),
        Feature("stochastic_k_14", momentum.stochastic_k, {"span": 14}),
        Feature("stochastic_d_14", momentum.stochastic_d, {"span": 14, "smoothing": 3}),
        Feature("volume_zscore_20", volume.volume_zscore, {"span": 20}),
        Feature("volume_trend", volume.volume_trend, {"short": 5, "long": 63}),
        Feature("volume_surprise_20", volume.volume_surprise, {"span": 20}),
        Feature("candle_body", candles.candle_body),
        Feature("upper_shadow", candles.upper_shadow),
        Feature("lower_shadow", candles.lower_shadow),
        Feature("gap", candles.gap),
        Feature("week_sine", calendar.week_sine),
        Feature("week_cosine", calendar.week_cosine),
        Feature("month_sine", calendar.month_sine),
        Feature("month_cosine", calendar.month_cosine),
    ),
)

_SETS: Mapping[str, FeatureSet] = MappingProxyType({CORE.id: CORE})


def feature_sets() -> Mapping[str, FeatureSet]:
    """Return every feature set of this version by its id; read-only."""
    return _SETS


def get(identity: str) -> FeatureSet:
    """Return the feature set of that id.

    Raises UnknownFeatureSet.
    """
    try:
        return _SETS[identity]
    except KeyError:
        raise UnknownFeatureSet(identity, _SETS) from None
