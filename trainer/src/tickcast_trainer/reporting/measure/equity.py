"""The out-of-fold predictions, traded after costs beside buy-and-hold on the same bars."""

from dataclasses import replace

import numpy as np

from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.execution import Execution, execute
from tickcast_trainer.backtest.indicators import Columns
from tickcast_trainer.backtest.ledger import Ledger
from tickcast_trainer.backtest.panel import Panel
from tickcast_trainer.backtest.performance import Performance, measure
from tickcast_trainer.backtest.pipeline import Backtest
from tickcast_trainer.backtest.settings import BacktestSettings
from tickcast_trainer.backtest.signals import PredictionRule, buy_and_hold
from tickcast_trainer.backtest.sizing import Limits, target_weights
from tickcast_trainer.backtest.verdict import verdict
from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.reporting.document import Account, Equity, EquityPoint, Estimate
from tickcast_trainer.reporting.measure.thinning import spread

_CURVE_POINTS = 300


def measure_equity(evaluator: Evaluator, forecast: OutOfFold) -> Equity:
    """Hold each symbol long while its prediction is above zero and short while below.

    Weights, fills and costs are those of ``tickcast backtest`` without a flag.
    """
    dataset = evaluator.dataset
    # Not what the environment sets for backtests: reports of two machines are to be alike.
    defaults = BacktestSettings.model_construct(strategy="model")
    costs = Costs(
        commission_bps=defaults.commission_bps,
        slippage_bps=defaults.slippage_bps,
        slippage_of_range=defaults.slippage_of_range,
        borrow_rate=defaults.borrow_rate,
    )
    execution = Execution(costs=costs, fill=defaults.fill, rebalance=defaults.rebalance)
    limits = Limits(symbol=defaults.gross_limit / len(dataset.series), gross=defaults.gross_limit)
    panel, prediction = _predictions(evaluator, forecast)
    ledger, holding = (
        execute(panel, target_weights(signal, limits), execution)
        for signal in (PredictionRule().signal(prediction), buy_and_hold(panel))
    )
    performance, held = measure(ledger), measure(holding)
    found = Backtest(
        strategy=forecast.name,
        symbols=panel.symbols,
        left_out=(),
        timeframe=str(panel.timeframe),
        performance=_without_stale(performance),
        buy_and_hold=held,
        trained_until=None,
    )
    return Equity(
        start=performance.start,
        end=performance.end,
        periods=performance.periods,
        commission_bps=costs.commission_bps,
        slippage_bps=costs.slippage_bps,
        borrow_rate=costs.borrow_rate,
        strategy=_account(performance),
        buy_and_hold=_account(held),
        contribution={one.symbol: one.contribution for one in performance.symbols},
        curve=_curve(panel, ledger, holding),
        stale=tuple(one.symbol for one in performance.symbols if one.stale_since is not None),
        findings=tuple(verdict(found)),
    )


def _predictions(evaluator: Evaluator, forecast: OutOfFold) -> tuple[Panel, Columns]:
    """Lay tested rows on the clock of the bars: the panel (T, N), and predictions (T, N)."""
    dataset, rows = evaluator.dataset, evaluator.rows
    panel = Panel.of(dataset.series)
    prediction = np.full(panel.close.shape, np.nan)
    for column, series in enumerate(dataset.series):
        own = dataset.series_index[rows] == column
        opens = series.open_time[dataset.bar[rows[own]]]
        prediction[np.searchsorted(panel.open_time, opens), column] = forecast.prediction[own]
    there = np.flatnonzero(np.isfinite(prediction).any(axis=1))
    # What the last prediction decides is traded in the bar after it.
    tested = slice(int(there[0]), int(there[-1]) + 2)
    return panel.slice(tested.start, min(tested.stop, len(panel))), prediction[tested]


def _without_stale(found: Performance) -> Performance:
    # Said once for all of them: a panel of many symbols has many whose bars end.
    return replace(found, symbols=tuple(replace(one, stale_since=None) for one in found.symbols))


def _account(found: Performance) -> Account:
    sharpe = found.sharpe
    return Account(
        annual_return=found.annual_return,
        total_return=found.total_return,
        total_gross_return=found.total_gross_return,
        volatility=found.volatility,
        sharpe=Estimate(value=sharpe.value, low=sharpe.low, high=sharpe.high) if sharpe else None,
        maximum_drawdown=found.maximum_drawdown,
        turnover=found.turnover,
        annual_costs=found.costs.total,
        exposure=found.exposure,
    )


def _curve(panel: Panel, ledger: Ledger, holding: Ledger) -> tuple[EquityPoint, ...]:
    return tuple(
        EquityPoint(
            time=int(panel.close_time[at]),
            strategy=float(ledger.equity[at]),
            buy_and_hold=float(holding.equity[at]),
        )
        for at in spread(len(panel), _CURVE_POINTS)
    )
