"""The shape of the last bar. Nison (1991), "Japanese Candlestick Charting Techniques"."""

from __future__ import annotations

import numpy as np

from tickcast_modelkit.features.columns import BarColumns, Column, ratio


def candle_body(bars: BarColumns) -> Column:
    """Close less open over the bar's range: -1 (fell throughout) to 1; 0 without a range."""
    return _share_of_range(bars, bars.close[:, -1] - bars.open[:, -1])


def upper_shadow(bars: BarColumns) -> Column:
    """High above the body over the bar's range, 0 to 1; 0 without a range."""
    top = np.maximum(bars.open[:, -1], bars.close[:, -1])
    return _share_of_range(bars, bars.high[:, -1] - top)


def lower_shadow(bars: BarColumns) -> Column:
    """Body above the low over the bar's range, 0 to 1; 0 without a range."""
    bottom = np.minimum(bars.open[:, -1], bars.close[:, -1])
    return _share_of_range(bars, bottom - bars.low[:, -1])


def gap(bars: BarColumns) -> Column:
    """Log of the last open over the close before."""
    return np.log(bars.open[:, -1] / bars.close[:, -2])


def _share_of_range(bars: BarColumns, part: Column) -> Column:
    return ratio(part, bars.high[:, -1] - bars.low[:, -1], otherwise=0.0)
