"""Performance: figures that can be checked by hand, and parts that add up to the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_modelkit.testing import bars_of, random_walk_bars
from tickcast_modelkit.timeframe import Timeframe
from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.errors import NothingToTest
from tickcast_trainer.backtest.execution import Execution, execute
from tickcast_trainer.backtest.panel import SECONDS_PER_YEAR, Panel
from tickcast_trainer.backtest.performance import annual_sharpe, measure, periods_per_year

COSTS = Costs(commission_bps=2.0, slippage_bps=3.0, slippage_of_range=0.05, borrow_rate=0.02)
DAY = 86_400


def shares_calendar(years: int) -> Panel:
    """Daily bars on weekdays alone."""
    walk = random_walk_bars(365 * years)
    weekdays = (np.arange(len(walk)) % 7) < 5
    series = type(walk).checked(
        symbol="SHARE",
        timeframe=walk.timeframe,
        open_time=walk.open_time[weekdays],
        ohlcv=walk.ohlcv[weekdays],
    )
    return Panel.of([series])


def per_year(panel: Panel) -> float:
    return periods_per_year(panel, first=int(panel.close_time[0]), periods=len(panel) - 1)


def test_a_year_has_as_many_periods_as_it_had_bars() -> None:
    assert per_year(Panel.of([random_walk_bars(1_000)])) == pytest.approx(365.25)
    assert per_year(shares_calendar(4)) == pytest.approx(365.25 * 5 / 7, rel=0.005)
    minutes = Panel.of([random_walk_bars(5_000, timeframe="5m")])
    assert per_year(minutes) == pytest.approx(365.25 * 288)


def test_a_year_has_no_more_periods_than_the_timeframe_has_room_for() -> None:
    bars = random_walk_bars(10)
    early = type(bars).checked(
        symbol="EARLY",
        timeframe=Timeframe.parse("1d"),
        open_time=bars.open_time,
        # The last bar is known long before its slot ends.
        close_time=bars.close_time - np.where(np.arange(10) == 9, 80_000, 0),
        ohlcv=bars.ohlcv,
    )
    assert per_year(Panel.of([early])) == SECONDS_PER_YEAR / DAY


def test_figures_by_hand() -> None:
    close = np.array([100.0, 100.0, 110.0, 99.0, 118.8])
    values = np.column_stack([np.r_[100.0, close[:-1]], close, close, close, close])
    values[:, 1] = values[:, :4].max(axis=1)
    values[:, 2] = values[:, [0, 3]].min(axis=1)
    panel = Panel.of([bars_of(values)])
    found = measure(execute(panel, np.full((5, 1), 1.0), Execution(costs=Costs())))
    returns = np.array([0.0, 0.1, -0.1, 0.2])
    year = 365.25
    assert found.periods == 4
    assert found.total_return == found.total_gross_return == pytest.approx(0.188)
    assert found.annual_return == pytest.approx(1.188 ** (year / 4) - 1)
    assert found.volatility == pytest.approx(np.std(returns, ddof=1) * np.sqrt(year))
    assert found.sharpe is not None
    assert found.sharpe.value == pytest.approx(0.05 / np.std(returns, ddof=1) * np.sqrt(year))
    assert found.sortino == pytest.approx(0.05 / np.sqrt(0.1**2 / 4) * np.sqrt(year))
    assert found.maximum_drawdown == pytest.approx(0.1)
    assert found.drawdown_periods == 2
    assert found.turnover == pytest.approx(year / 4)
    assert found.exposure == found.net_exposure == pytest.approx(1.0)
    assert found.periods_won is not None
    assert found.periods_won.value == 0.5
    assert found.positions == 1
    assert found.positions_won is not None
    assert found.positions_won.value == 1.0
    assert found.costs.total == 0.0
    assert (found.start, found.end) == (panel.close_time[0], panel.close_time[-1])
    assert found.ruined_at is None


@settings(deadline=None)
@given(seed=st.integers(0, 1_000))
def test_symbols_add_up_to_the_account(seed: int) -> None:
    series = [random_walk_bars(60, symbol=f"S{n}", seed=seed + n) for n in range(3)]
    targets = np.random.default_rng(seed).choice([-0.3, 0.0, 0.3], (60, 3))
    ledger = execute(Panel.of(series), targets, Execution(costs=COSTS))
    found = measure(ledger)
    assert sum(one.profit for one in found.symbols) == pytest.approx(found.total_return, abs=1e-12)
    mean = ledger.net[1:].mean() * found.periods_per_year
    assert sum(one.contribution for one in found.symbols) == pytest.approx(mean)
    assert sum(one.turnover for one in found.symbols) == pytest.approx(found.turnover)
    assert sum(one.costs for one in found.symbols) == pytest.approx(found.costs.total)
    assert sum(one.exposure for one in found.symbols) == pytest.approx(found.exposure)
    assert sum(one.positions for one in found.symbols) == found.positions


def test_an_account_that_never_moved_has_no_ratios() -> None:
    panel = Panel.of([random_walk_bars(20)])
    found = measure(execute(panel, np.zeros((20, 1)), Execution(costs=COSTS)))
    assert found.total_return == found.volatility == found.maximum_drawdown == 0.0
    assert found.sharpe is None
    assert found.sortino is None
    assert found.periods_won is None
    assert found.positions_won is None
    assert found.symbols[0].sharpe is None


def test_only_periods_with_a_holding_are_won_or_lost() -> None:
    panel = Panel.of([random_walk_bars(20)])
    targets = np.zeros((20, 1))
    targets[4:6] = 1.0
    found = measure(execute(panel, targets, Execution(costs=Costs())))
    ledger = execute(panel, targets, Execution(costs=Costs()))
    assert found.periods_won is not None
    # Bought in row 5 and sold at the open of row 7.
    assert found.periods_won.value == pytest.approx(np.mean(ledger.net[5:8] > 0))


def test_a_lost_account_says_when() -> None:
    values = np.full((6, 5), 100.0)
    values[3:, :4] = 300.0
    panel = Panel.of([bars_of(values)])
    found = measure(execute(panel, np.full((6, 1), -1.0), Execution(costs=Costs())))
    assert found.ruined_at == panel.close_time[3]
    assert found.total_return == found.annual_return == -1.0
    assert found.maximum_drawdown == 1.0


def test_a_holding_whose_bars_ended_is_stale() -> None:
    series = [random_walk_bars(n, symbol=f"S{n}", seed=n) for n in (20, 12, 11)]
    panel = Panel.of(series)
    targets = np.full((20, 3), 0.3)
    # The last is sold in time.
    targets[8:, 2] = 0.0
    found = measure(execute(panel, targets, Execution(costs=Costs())))
    assert [one.stale_since for one in found.symbols] == [None, panel.close_time[11], None]


def test_one_bar_is_nothing_to_measure() -> None:
    panel = Panel.of([random_walk_bars(1)])
    with pytest.raises(NothingToTest, match="bars: was 1, needed 2 or more"):
        measure(execute(panel, np.zeros((1, 1)), Execution(costs=Costs())))


def test_the_interval_of_a_sharpe_ratio_narrows_with_years_not_with_bars() -> None:
    random = np.random.default_rng(1)
    daily = annual_sharpe(random.normal(0.0, 0.01, 4 * 365), 365.0)
    hourly = annual_sharpe(random.normal(0.0, 0.01, 4 * 365 * 24), 365.0 * 24)
    assert daily is not None
    assert hourly is not None
    # One over the root of four years, however often one looks.
    assert daily.standard_error == pytest.approx(0.5, rel=0.1)
    assert hourly.standard_error == pytest.approx(0.5, rel=0.1)
    assert daily.low < daily.value < daily.high
    assert daily.may_be_zero
