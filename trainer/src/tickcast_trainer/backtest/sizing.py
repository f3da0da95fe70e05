"""How much of the account a signal is worth, and what it may be at most."""

from dataclasses import dataclass

import numpy as np

from tickcast_trainer.backtest.carry import carry_forward
from tickcast_trainer.backtest.indicators import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of target weights, which are shares of the account's equity.

    They bind what is decided. Between trades prices move, and holdings drift beyond them.
    """

    symbol: float
    """Weight of a full position in one symbol, above 0."""

    gross: float = 1.0
    """Most that long and short weights may add up to; above it all are scaled down alike."""

    long_only: bool = False
    """Whether a signal to be short counts as a signal to be out."""


def target_weights(signal: Columns, limits: Limits) -> Columns:
    """Return the weights (T, N) to hold after each row of ``signal``, all finite.

    NaN, no opinion, keeps the opinion before; a symbol is out until its first.
    """
    opinion = carry_forward(signal, np.zeros(signal.shape[1]))
    opinion = np.clip(opinion, 0.0 if limits.long_only else -1.0, 1.0)
    weight = limits.symbol * opinion
    total = np.abs(weight).sum(axis=1, keepdims=True)
    over = total > limits.gross
    return np.where(over, weight * (limits.gross / np.where(over, total, 1.0)), weight)
