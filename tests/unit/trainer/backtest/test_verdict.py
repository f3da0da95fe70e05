"""Verdicts: sentences that say no more than the figures show."""

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.testing import bars_of, random_walk_bars
from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.execution import Execution, execute
from tickcast_trainer.backtest.panel import Panel
from tickcast_trainer.backtest.performance import Performance, measure
from tickcast_trainer.backtest.pipeline import Backtest
from tickcast_trainer.backtest.verdict import verdict

PANEL = Panel.of([random_walk_bars(1_000, seed=6)])
HOLD = np.ones((1_000, 1))
PEEKING = np.zeros((1_000, 1))
PEEKING[:-1] = np.sign(PANEL.close[1:] - PANEL.open[1:])


def performance(targets: NDArray[np.float64], panel: Panel = PANEL) -> Performance:
    return measure(execute(panel, targets, Execution(costs=Costs(commission_bps=1.0))))


def findings(found: Performance, *, trained_until: int | None = None) -> str:
    backtest = Backtest(
        strategy="rule",
        symbols=PANEL.symbols,
        left_out=(),
        timeframe="1d",
        performance=found,
        buy_and_hold=performance(HOLD),
        trained_until=trained_until,
    )
    return " ".join(verdict(backtest))


def test_luck_is_called_luck() -> None:
    coins = np.random.default_rng(2).choice([-1.0, 1.0], (1_000, 1))
    said = findings(performance(coins))
    assert "contains zero: chance alone may have earned this" in said


def test_what_is_too_good_is_called_a_leak() -> None:
    said = findings(performance(PEEKING))
    assert "lies above zero" in said
    assert "take it for a leak until proven otherwise" in said
    assert "It earned more than buy-and-hold" in said


def test_what_loses_surely_is_told_so() -> None:
    said = findings(performance(-PEEKING))
    assert "lies below zero: this loses, and not by chance" in said
    assert "It earned no more than buy-and-hold" in said


def test_in_sample_figures_are_not_judged() -> None:
    said = findings(performance(PEEKING), trained_until=int(PANEL.close_time[500]))
    assert said.startswith("IN-SAMPLE")
    assert "chance" not in said
    assert "earned" not in said
    assert "IN-SAMPLE" not in findings(performance(PEEKING), trained_until=int(PANEL.close_time[0]))


def test_doing_nothing_is_not_judged() -> None:
    said = findings(performance(np.zeros((1_000, 1))))
    assert said == "Equity never moved: there is nothing to judge."


def test_a_lost_account_is_named_first() -> None:
    values = np.full((6, 5), 100.0)
    values[3:, :4] = 300.0
    panel = Panel.of([bars_of(values)])
    said = findings(performance(np.full((6, 1), -1.0), panel))
    assert said.startswith("The account was lost by 2024-01-05T00:00:00Z.")
