"""What a run came to: the figures of the whole account and of each symbol."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.backtest.errors import NothingToTest
from tickcast_trainer.backtest.ledger import Ledger
from tickcast_trainer.backtest.panel import SECONDS_PER_YEAR, Panel
from tickcast_trainer.backtest.positions import position_results
from tickcast_trainer.backtest.statistics import (
    drawdown,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
    sharpe_standard_error,
    skewness_and_kurtosis,
    sortino_ratio,
)
from tickcast_trainer.metrics import Proportion, wilson_interval

_TWO_SIDED_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharpe:
    """An annualised Sharpe ratio, and how sure one can be of it."""

    value: float
    standard_error: float

    low: float
    """Lower end of the 95% confidence interval (Lo 2002)."""

    high: float
    """Upper end."""

    probability_above_zero: float
    """Probabilistic Sharpe ratio against zero (Bailey and Lopez de Prado 2012)."""

    @property
    def may_be_zero(self) -> bool:
        """Whether the interval contains zero."""
        return self.low <= 0.0 <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsPaid:
    """Costs of a year, as shares of the equity when they were paid."""

    commission: float
    slippage: float
    borrowing: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.commission + self.slippage + self.borrowing


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolPerformance:
    """What one symbol added to the account."""

    symbol: str

    profit: float
    """Gain after costs as a share of the account's first equity; adds up to its total return."""

    contribution: float
    """Mean of its part of the account's returns, times the periods of a year."""

    sharpe: Sharpe | None
    """Of its part of the account's returns; None when it was never held."""

    exposure: float
    """Mean of its weight at the closes, without sign."""

    turnover: float
    """Value traded in a year over the equity."""

    costs: float
    """Costs of a year, as shares of the equity when they were paid."""

    periods_won: Proportion | None
    """Share of the periods with a holding whose net gain was above zero."""

    positions: int
    """How many there were, with one that is still open."""

    positions_won: Proportion | None
    """Share of them that earned more than they cost."""

    stale_since: int | None
    """Close of its last bar, when others went on and it is still held at that price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What the account did. Returns are after costs unless they say otherwise."""

    start: int
    """First close, seconds since the epoch."""

    end: int
    """Last close."""

    periods: int
    periods_per_year: float

    total_return: float
    total_gross_return: float
    """Of the same weights with no costs."""

    annual_return: float
    """Compound annual growth rate; -1 when the account was lost."""

    volatility: float
    """Standard deviation of returns, annualised."""

    sharpe: Sharpe | None
    """None when the account never moved."""

    sortino: float | None
    """Annualised; None without a losing period."""

    maximum_drawdown: float
    """Greatest fall from a peak, as a share of it."""

    drawdown_periods: int
    """Longest time from a peak until it was reached again, or until the end."""

    turnover: float
    """Value traded in a year over the equity: 2 is everything sold and bought anew once."""

    exposure: float
    """Mean over closes of long plus short weights."""

    net_exposure: float
    """Mean over closes of long less short weights."""

    periods_won: Proportion | None
    """Share of the periods with a holding whose return was above zero."""

    positions: int
    positions_won: Proportion | None
    costs: CostsPaid

    ruined_at: int | None
    """Close of the period in which the account was lost, if it was."""

    symbols: tuple[SymbolPerformance, ...]


def measure(ledger: Ledger) -> Performance:
    """Work the figures out of the books.

    Raises NothingToTest when they hold no period: the first bar of a new account only decides.
    """
    periods, panel = ledger.periods, ledger.panel
    net = ledger.net[periods]
    if not len(net):
        raise NothingToTest("bars: was 1, needed 2 or more: what one decides, the next one trades")
    first = _first_close(ledger)
    last = int(panel.close_time[-1])
    per_year = periods_per_year(panel, first=first, periods=len(net))
    start = ledger.start.equity
    growth = float(ledger.equity[-1]) / start
    years = len(net) / per_year
    equity = np.concatenate([[start], ledger.equity])
    fall = drawdown(equity[periods])
    results = [position_results(ledger, column) for column in range(len(panel.symbols))]
    held = _held(ledger)
    return Performance(
        start=first,
        end=last,
        periods=len(net),
        periods_per_year=per_year,
        total_return=growth - 1.0,
        total_gross_return=float(np.prod(1.0 + ledger.gross)) - 1.0,
        annual_return=growth ** (1.0 / years) - 1.0,
        volatility=float(net.std(ddof=1)) * math.sqrt(per_year) if len(net) > 1 else 0.0,
        sharpe=annual_sharpe(net, per_year),
        sortino=_annual(sortino_ratio(net), per_year),
        maximum_drawdown=fall.depth,
        drawdown_periods=fall.duration,
        turnover=float(ledger.traded.sum()) / years,
        exposure=float(np.abs(ledger.weight[periods]).sum(axis=1).mean()),
        net_exposure=float(ledger.weight[periods].sum(axis=1).mean()),
        periods_won=_share(ledger.net[held.any(axis=1)]),
        positions=sum(map(len, results)),
        positions_won=_share(np.concatenate(results)),
        costs=_costs(ledger, years),
        ruined_at=None if ledger.ruined_at is None else int(panel.close_time[ledger.ruined_at]),
        symbols=tuple(_symbols(ledger, held, results, per_year, years)),
    )


def periods_per_year(panel: Panel, *, first: int, periods: int) -> float:
    """Return how many periods a year has, from the close ``first`` to the last close.

    As many as there really were: about 252 for daily bars of shares and 365 for those of coins; at
    most as many as the timeframe has room for.
    """
    seconds = int(panel.close_time[-1]) - first
    return SECONDS_PER_YEAR * min(periods / max(seconds, 1), 1.0 / panel.timeframe.seconds)


def annual_sharpe(returns: NDArray[np.float64], per_year: float) -> Sharpe | None:
    """Return the annualised Sharpe ratio of returns (n,), with its interval; None if all equal."""
    ratio = sharpe_ratio(returns)
    if ratio is None:
        return None
    scale = math.sqrt(per_year)
    error = sharpe_standard_error(returns)
    skewness, kurtosis = skewness_and_kurtosis(returns)
    return Sharpe(
        value=ratio * scale,
        standard_error=error * scale,
        low=(ratio - _TWO_SIDED_95 * error) * scale,
        high=(ratio + _TWO_SIDED_95 * error) * scale,
        probability_above_zero=probabilistic_sharpe_ratio(
            ratio, 0.0, periods=len(returns), skewness=skewness, kurtosis=kurtosis
        ),
    )


def _first_close(ledger: Ledger) -> int:
    begun = ledger.start.time
    return int(ledger.panel.close_time[0]) if begun is None else begun


def _held(ledger: Ledger) -> NDArray[np.bool_]:
    # Whether anything was held in a period, before its fill or after it.
    after = ledger.weight != 0.0
    return np.asarray(after | np.vstack([ledger.start.weight != 0.0, after[:-1]]))


def _costs(ledger: Ledger, years: float) -> CostsPaid:
    return CostsPaid(
        commission=float(ledger.commission.sum()) / years,
        slippage=float(ledger.slippage.sum()) / years,
        borrowing=float(ledger.borrowing.sum()) / years,
    )


def _symbols(
    ledger: Ledger,
    held: NDArray[np.bool_],
    results: Sequence[NDArray[np.float64]],
    per_year: float,
    years: float,
) -> list[SymbolPerformance]:
    periods = ledger.periods
    earlier = np.concatenate([[ledger.start.equity], ledger.equity[:-1]])
    found = []
    for column, symbol in enumerate(ledger.panel.symbols):
        cost = ledger.cost[:, column]
        gain = ledger.before_fill[:, column] + ledger.after_fill[:, column] - cost
        found.append(
            SymbolPerformance(
                symbol=symbol,
                profit=float(np.sum(gain * earlier)),
                contribution=float(gain.sum()) / years,
                sharpe=annual_sharpe(gain[periods], per_year),
                exposure=float(np.abs(ledger.weight[periods, column]).mean()),
                turnover=float(ledger.traded[:, column].sum()) / years,
                costs=float(cost.sum()) / years,
                periods_won=_share(gain[held[:, column]]),
                positions=len(results[column]),
                positions_won=_share(results[column]),
                stale_since=_stale_since(ledger, column),
            )
        )
    return found


def _stale_since(ledger: Ledger, column: int) -> int | None:
    panel = ledger.panel
    there = np.flatnonzero(panel.has_bar[:, column])
    if ledger.weight[-1, column] == 0.0 or not len(there) or there[-1] == len(panel) - 1:
        return None
    return int(panel.close_time[there[-1]])


def _share(results: NDArray[np.float64]) -> Proportion | None:
    if not len(results):
        return None
    value = float(np.mean(results > 0.0))
    low, high = wilson_interval(value, len(results))
    return Proportion(value=value, low=low, high=high)


def _annual(ratio: float | None, per_year: float) -> float | None:
    return None if ratio is None else ratio * math.sqrt(per_year)
