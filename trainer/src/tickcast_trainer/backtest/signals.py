"""Signals: what a rule says at the close of every bar.

A signal is (T, N) like its panel, from -1 (fully short) over 0 (out) to 1 (fully long), and NaN for
no opinion, which leaves the one before in force. It is known at the close of its row and depends on
nothing later; ``execution`` sees to it that it earns nothing earlier.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.backtest.indicators import (
    Columns,
    macd,
    relative_strength_index,
    simple_average,
)
from tickcast_trainer.backtest.panel import Panel

Rule: TypeAlias = Callable[[Panel], Columns]
"""From a panel to its signal."""


def buy_and_hold(panel: Panel) -> Columns:
    """Buy every symbol at its first chance and never sell: what a rule has to beat."""
    return np.where(panel.has_bar, 1.0, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class RsiReversal:
    """Buy what has fallen too fast and sell what has risen too fast (Wilder 1978).

    Long from an index below ``oversold`` until one above ``middle``; short from one above
    ``overbought`` until one below ``middle``.
    """

    span: int = 14
    oversold: float = 30.0
    middle: float = 50.0
    overbought: float = 70.0

    def __call__(self, panel: Panel) -> Columns:
        index = relative_strength_index(panel.close, span=self.span)
        long = _latch(index < self.oversold, index > self.middle)
        short = _latch(index > self.overbought, index < self.middle)
        return _where_known(index, long.astype(np.float64) - short)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmaCross:
    """Long while the fast simple average of the close is above the slow one, short while below."""

    fast: int = 20
    slow: int = 50

    def __call__(self, panel: Panel) -> Columns:
        fast = simple_average(panel.close, span=self.fast)
        return np.sign(fast - simple_average(panel.close, span=self.slow))


@dataclass(frozen=True, slots=True, kw_only=True)
class MacdCross:
    """Long while the MACD line is above its signal line, short while below (Appel 2005)."""

    fast: int = 12
    slow: int = 26
    signal: int = 9

    def __call__(self, panel: Panel) -> Columns:
        line, signal = macd(panel.close, fast=self.fast, slow=self.slow, signal=self.signal)
        return np.sign(line - signal)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRule:
    """How predicted returns become positions; all thresholds are log returns over the horizon."""

    enter: float = 0.0
    """A position is taken when the prediction is further from zero than this."""

    leave: float | None = None
    """It is left when the prediction, in its direction, is no more than this; None is ``enter``.

    Between the two lies a band in which nothing is traded.
    """

    full: float | None = None
    """Prediction that is worth a whole position, smaller ones a share of it; None: all are."""

    def signal(self, prediction: Columns) -> Columns:
        """Turn predictions (T, N), NaN where there is none, into a signal."""
        leave = self.enter if self.leave is None else self.leave
        long = _latch(prediction > self.enter, prediction <= leave)
        short = _latch(prediction < -self.enter, prediction >= -leave)
        direction = long.astype(np.float64) - short
        if self.full is not None:
            direction *= np.minimum(np.abs(prediction) / self.full, 1.0)
        return _where_known(prediction, direction)


def _latch(on: NDArray[np.bool_], off: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # True from a row where `on` holds until one where `off` does.
    row = np.arange(1, len(on) + 1, dtype=np.int32)[:, np.newaxis]
    last_on, last_off = (
        np.maximum.accumulate(np.where(event, row, np.int32(0)), axis=0) for event in (on, off)
    )
    return np.asarray(last_on > last_off)


def _where_known(known: Columns, signal: Columns) -> Columns:
    return np.where(np.isnan(known), np.nan, signal)
