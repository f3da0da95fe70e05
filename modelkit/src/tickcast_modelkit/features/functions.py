"""The functions that a feature set can name, and their revisions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tickcast_modelkit.features import calendar, candles, momentum, returns, volatility, volume
from tickcast_modelkit.features.feature_set import FeatureFunction

FUNCTIONS: Mapping[str, FeatureFunction] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            calendar.month_cosine,
            calendar.month_sine,
            calendar.week_cosine,
            calendar.week_sine,
            candles.candle_body,
            candles.gap,
            candles.lower_shadow,
            candles.upper_shadow,
            momentum.bollinger_position,
            momentum.macd_histogram,
            momentum.macd_line,
            momentum.macd_signal,
            momentum.relative_strength_index,
            momentum.stochastic_d,
            momentum.stochastic_k,
            returns.ema_distance,
            returns.log_return,
            returns.sma_distance,
            volatility.average_true_range,
            volatility.garman_klass_volatility,
            volatility.parkinson_volatility,
            volatility.realised_volatility,
            volatility.yang_zhang_volatility,
            volume.volume_surprise,
            volume.volume_trend,
            volume.volume_zscore,
        )
    }
)
"""Every feature function of modelkit, by its name."""
