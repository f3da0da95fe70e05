"""The books of a run: an account between two periods, and what happened in every period."""

from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.backtest.indicators import Columns
from tickcast_trainer.backtest.panel import Panel

Vector: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Account:
    """Everything that the next period depends on, as it is at a close. Arrays are (N,)."""

    equity: float
    """Value of the account; 1 when it was opened."""

    weight: Vector
    """Value of each holding over the equity, negative for a short one."""

    traded_target: Vector
    """Target that each symbol was last traded to."""

    target: Vector
    """Target that was decided at this close."""

    mark: Vector
    """Last close of each symbol, NaN before its first bar."""

    time: int | None
    """When the close was, seconds since the epoch; None for an account just opened."""

    @classmethod
    def opened(cls, symbols: int) -> Self:
        """Open an account that holds nothing but cash, and has decided nothing."""
        nothing = np.zeros(symbols)
        return cls(
            equity=1.0,
            weight=nothing,
            traded_target=nothing,
            target=nothing,
            mark=np.full(symbols, np.nan),
            time=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ledger:
    """What happened in every period, one for each row of the panel.

    Amounts of a period are shares of the equity at its beginning; arrays are (T, N) or (T,).
    """

    panel: Panel
    start: Account
    end: Account

    before_fill: Columns
    """(T, N): gained before the fill, by what was held at the last close."""

    after_fill: Columns
    """(T, N): gained between fill and close. With the above it adds up to ``gross``."""

    cost: Columns
    """(T, N): costs of trading and borrowing. Adds up to ``gross - net``."""

    traded: Columns
    """(T, N): value bought or sold, as a share of the equity at the fill."""

    weight: Columns
    """(T, N): value held at the close over the equity at the close."""

    gross: Vector
    """(T,): return before costs."""

    net: Vector
    """(T,): return after costs."""

    equity: Vector
    """(T,): value of the account at the close."""

    commission: Vector
    """(T,): part of the costs."""

    slippage: Vector
    """(T,): part of the costs."""

    borrowing: Vector
    """(T,): the rest of the costs."""

    ruined_at: int | None
    """Row in which the account was lost, if it was."""

    @property
    def periods(self) -> slice:
        """Rows that are periods: the first row of an account just opened only decides."""
        return slice(1 if self.start.time is None else 0, None)
