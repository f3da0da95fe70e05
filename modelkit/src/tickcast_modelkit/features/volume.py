"""How much was traded beside what is usual. All are 0 for a symbol that reports no volume."""

from __future__ import annotations

import numpy as np

from tickcast_modelkit.features.columns import LEAST_SPREAD, BarColumns, Column, ratio, row_mean


def volume_zscore(bars: BarColumns, *, span: int) -> Column:
    """Last volume in standard deviations from the mean of the last ``span`` bars."""
    recent = bars.volume[:, -span:]
    # As a share of the greatest, so that a constant volume is exactly one and has no spread.
    share = ratio(recent, recent.max(axis=1, keepdims=True), otherwise=0.0)
    centred = share - row_mean(share)[:, np.newaxis]
    spread = np.sqrt(row_mean(centred * centred))
    return centred[:, -1] / np.maximum(spread, LEAST_SPREAD)


def volume_trend(bars: BarColumns, *, short: int, long: int) -> Column:
    """Mean volume of ``short`` beside that of ``long`` bars, from -1 (nothing) to 1 (much more)."""
    return _contrast(row_mean(bars.volume[:, -short:]), row_mean(bars.volume[:, -long:]))


def volume_surprise(bars: BarColumns, *, span: int) -> Column:
    """Last volume beside the mean of the ``span`` bars before, from -1 (nothing) to 1."""
    return _contrast(bars.volume[:, -1], row_mean(bars.volume[:, -span - 1 : -1]))


def _contrast(value: Column, usual: Column) -> Column:
    # (a - b) / (a + b) is the hyperbolic tangent of half the log ratio: a log ratio that stays
    # finite when either is zero.
    return ratio(value - usual, value + usual, otherwise=0.0)
