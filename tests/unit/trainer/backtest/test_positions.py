"""Positions: where one ends and the next begins, and what each earned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickcast_modelkit.testing import bars_of, random_walk_bars
from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.execution import Execution, execute
from tickcast_trainer.backtest.panel import Panel
from tickcast_trainer.backtest.positions import position_results

FREE = Execution(costs=Costs())


def test_a_position_earns_from_its_fill_to_its_fill() -> None:
    # Opens at 100, 110, 120, ...; closes five higher.
    prices = 100.0 + 10.0 * np.arange(8)
    high = prices + 5.0
    panel = Panel.of([bars_of(np.column_stack([prices, high, prices, high, prices]))])
    targets = np.array([[0, 1, 1, 0, -1, -1, 0, 0]], dtype=np.float64).T
    results = position_results(execute(panel, targets, FREE), 0)
    # Bought at 120 and sold at 140; then short 1 / 150 of that a share, from 150 to 170.
    won = 140.0 / 120.0 - 1.0
    assert results == pytest.approx([won, -(1.0 + won) * 20.0 / 150.0])


def test_turning_around_ends_one_position_and_begins_another() -> None:
    panel = Panel.of([random_walk_bars(10)])
    targets = np.array([[1, 1, 1, -1, -1, -1, 1, 1, 1, 1]], dtype=np.float64).T
    ledger = execute(panel, targets, FREE)
    assert len(position_results(ledger, 0)) == 3


def test_the_costs_of_turning_belong_to_the_position_that_ends() -> None:
    panel = Panel.of([bars_of(np.full((5, 5), 100.0))])
    targets = np.array([[1, -1, -1, -1, -1]], dtype=np.float64).T
    ledger = execute(panel, targets, Execution(costs=Costs(commission_bps=100.0)))
    # 1% for opening, 2% of what is left for turning.
    assert position_results(ledger, 0) == pytest.approx([-0.01 - 0.02 * 0.99, 0.0])


def test_a_change_of_size_is_no_new_position() -> None:
    panel = Panel.of([random_walk_bars(6)])
    targets = np.array([[0.2, 0.4, 0.1, 0.9, 0.0, 0.0]]).T
    assert len(position_results(execute(panel, targets, FREE), 0)) == 1


def test_never_held_is_no_position() -> None:
    panel = Panel.of([random_walk_bars(6)])
    assert len(position_results(execute(panel, np.zeros((6, 1)), FREE), 0)) == 0


@given(seed=st.integers(0, 1_000), border=st.integers(1, 29))
def test_positions_add_up_to_the_change_of_equity(seed: int, border: int) -> None:
    panel = Panel.of([random_walk_bars(30, seed=seed)])
    random = np.random.default_rng(seed)
    targets = random.choice([-1.0, 0.0, 0.5, 1.0], (30, 1))
    execution = Execution(costs=Costs(commission_bps=10.0, borrow_rate=0.1))
    whole = execute(panel, targets, execution)
    assert position_results(whole, 0).sum() == pytest.approx(whole.equity[-1] - 1.0, abs=1e-12)
    # The second half of a run begins with what the first left open.
    first = execute(panel.slice(0, border), targets[:border], execution)
    second = execute(panel.slice(border, 30), targets[border:], execution, account=first.end)
    earned = position_results(first, 0).sum() + position_results(second, 0).sum()
    assert earned == pytest.approx(whole.equity[-1] - 1.0, abs=1e-12)
