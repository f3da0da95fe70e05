"""The books: exact to the last digit that a plain loop over money and shares would give."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.errors import InvalidArray
from tickcast_modelkit.testing import bars_of, random_walk_bars
from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.execution import Execution, Fill, Rebalance, execute
from tickcast_trainer.backtest.ledger import Account, Ledger
from tickcast_trainer.backtest.panel import SECONDS_PER_YEAR, Panel

FREE = Execution(costs=Costs())
DEAR = Costs(commission_bps=5.0, slippage_bps=3.0, slippage_of_range=0.1, borrow_rate=0.05)


def without_rows(series: BarSeries, missing: NDArray[np.bool_]) -> BarSeries:
    """The series as a feed delivers it that lost some bars."""
    return BarSeries.checked(
        symbol=series.symbol,
        timeframe=series.timeframe,
        open_time=series.open_time[~missing],
        ohlcv=series.ohlcv[~missing],
    )


def panel_with_gaps(seed: int, *, symbols: int = 4, bars: int = 60) -> Panel:
    """A quarter of all bars missing, and one symbol that is younger than the others."""
    random = np.random.default_rng(seed)
    series = []
    for number in range(symbols):
        missing = random.random(bars) < 0.25
        missing[: 20 if number == 1 else 0] = True
        walk = random_walk_bars(bars, symbol=f"S{number}", seed=seed + number, volatility=0.03)
        series.append(without_rows(walk, missing))
    return Panel.of(series)


def random_targets(panel: Panel, seed: int) -> NDArray[np.float64]:
    """Long, short or out, each for some bars; gross at most 1."""
    random = np.random.default_rng(seed + 1_000)
    shape = panel.close.shape
    drawn = np.round(random.uniform(-1.0, 1.0, shape), 1) / shape[1]
    stays = random.random(shape) < 0.6
    for row in range(1, len(drawn)):
        drawn[row, stays[row]] = drawn[row - 1, stays[row]]
    return np.asarray(drawn)


def loop_equity(
    panel: Panel, targets: NDArray[np.float64], execution: Execution
) -> tuple[list[float], list[float]]:
    """Equity and costs at every close, by cash and numbers of shares, symbol by symbol."""
    costs = execution.costs
    count = len(panel.symbols)
    cash = 1.0
    shares = [0.0] * count
    price = [0.0] * count
    traded_to = [0.0] * count
    equities, paid_in_all = [], []
    for row in range(len(panel)):
        fills = panel.open[row] if execution.fill == "open" else panel.close[row]
        there = [bool(np.isfinite(fills[i])) for i in range(count)]
        price = [float(fills[i]) if there[i] else price[i] for i in range(count)]
        equity = cash + sum(shares[i] * price[i] for i in range(count))
        paid = 0.0
        if row > 0:
            years = (panel.close_time[row] - panel.close_time[row - 1]) / SECONDS_PER_YEAR
            for i in range(count):
                paid += costs.borrow_rate * years * max(0.0, -shares[i] * price[i])
            for i in range(count):
                wanted = float(targets[row - 1, i])
                if not there[i] or (execution.rebalance == "on-change" and wanted == traded_to[i]):
                    continue
                bought = wanted * equity - shares[i] * price[i]
                rate = (costs.commission_bps + costs.slippage_bps) / 10_000
                rate += costs.slippage_of_range * float(panel.reach[row, i]) / price[i]
                paid += abs(bought) * rate
                shares[i] += bought / price[i]
                cash -= bought
                traded_to[i] = wanted
        left = (equity - paid) / equity
        cash *= left
        shares = [held * left for held in shares]
        price = [float(panel.close[row, i]) if there[i] else price[i] for i in range(count)]
        equities.append(cash + sum(shares[i] * price[i] for i in range(count)))
        paid_in_all.append(paid)
    return equities, paid_in_all


executions = st.builds(
    Execution,
    costs=st.sampled_from([Costs(), DEAR]),
    fill=st.sampled_from(["open", "close"]),
    rebalance=st.sampled_from(["on-change", "every-bar"]),
)
seeds = st.integers(0, 10_000)


@settings(deadline=None)
@given(seed=seeds, execution=executions)
def test_equity_is_that_of_a_plain_loop(seed: int, execution: Execution) -> None:
    panel = panel_with_gaps(seed)
    targets = random_targets(panel, seed)
    ledger = execute(panel, targets, execution)
    equity, _ = loop_equity(panel, targets, execution)
    assert ledger.equity == pytest.approx(equity, rel=1e-12, abs=0.0)


def test_a_long_history_is_no_different() -> None:
    # Longer than what is made ready at once, so that what is carried over is seen.
    panel = panel_with_gaps(7, symbols=2, bars=9_000)
    targets = random_targets(panel, 7)
    ledger = execute(panel, targets, Execution(costs=Costs(commission_bps=0.1)))
    equity, _ = loop_equity(panel, targets, Execution(costs=Costs(commission_bps=0.1)))
    assert ledger.equity == pytest.approx(equity, rel=1e-11, abs=0.0)


@settings(deadline=None)
@given(seed=seeds, execution=executions)
def test_every_sum_in_the_books_comes_out(seed: int, execution: Execution) -> None:
    panel = panel_with_gaps(seed)
    ledger = execute(panel, random_targets(panel, seed), execution)
    gained = (ledger.before_fill + ledger.after_fill).sum(axis=1)
    assert gained == pytest.approx(ledger.gross, abs=1e-14)
    assert ledger.cost.sum(axis=1) == pytest.approx(ledger.gross - ledger.net, abs=1e-14)
    parts = ledger.commission + ledger.slippage + ledger.borrowing
    assert parts == pytest.approx(ledger.gross - ledger.net, abs=1e-14)
    assert np.cumprod(1.0 + ledger.net) == pytest.approx(ledger.equity, rel=1e-12)


def test_costs_are_those_of_the_plain_loop() -> None:
    # As shares of the equity at the end of the period's moves, which is where the loop has none.
    panel = panel_with_gaps(3)
    targets = random_targets(panel, 3)
    execution = Execution(costs=DEAR, fill="close")
    ledger = execute(panel, targets, execution)
    earlier = np.concatenate([[1.0], ledger.equity[:-1]])
    _, paid = loop_equity(panel, targets, execution)
    assert (ledger.gross - ledger.net) * earlier == pytest.approx(paid, abs=1e-13)


@settings(deadline=None)
@given(seed=seeds, execution=executions)
def test_no_positions_earn_nothing(seed: int, execution: Execution) -> None:
    panel = panel_with_gaps(seed)
    ledger = execute(panel, np.zeros(panel.close.shape), execution)
    assert (ledger.equity == 1.0).all()
    assert not ledger.cost.any()


@pytest.mark.parametrize("rebalance", ["on-change", "every-bar"])
@pytest.mark.parametrize("fill", ["open", "close"])
@given(seed=seeds)
def test_holding_one_symbol_earns_the_ratio_of_its_prices(
    fill: Fill, rebalance: Rebalance, seed: int
) -> None:
    bars = random_walk_bars(50, seed=seed)
    panel = Panel.of([bars])
    execution = Execution(costs=Costs(), fill=fill, rebalance=rebalance)
    ledger = execute(panel, np.ones((50, 1)), execution)
    # Decided at the first close, bought in the second bar.
    bought_at = bars.ohlcv[1, 0] if fill == "open" else bars.ohlcv[1, 3]
    assert ledger.equity[0] == 1.0
    assert ledger.equity[1:] == pytest.approx(bars.ohlcv[1:, 3] / bought_at, rel=1e-13)


def test_holdings_drift_unless_they_are_rebalanced() -> None:
    doubling, flat = np.full((4, 5), 100.0), np.full((4, 5), 100.0)
    doubling[2:, :4] = 200.0
    panel = Panel.of([bars_of(doubling, symbol="UP"), bars_of(flat, symbol="FLAT")])
    halves = np.full((4, 2), 0.5)
    drifting = execute(panel, halves, FREE)
    assert drifting.weight[3] == pytest.approx([2 / 3, 1 / 3])
    assert drifting.traded.sum() == pytest.approx(1.0)
    kept = execute(panel, halves, Execution(costs=Costs(), rebalance="every-bar"))
    assert kept.weight[3] == pytest.approx([0.5, 0.5])
    assert kept.traded.sum() == pytest.approx(1.0 + 2 * (2 / 3 - 1 / 2))


@settings(deadline=None)
@given(seed=seeds, execution=executions, scale=st.floats(0.0, 20.0))
def test_costs_never_raise_equity(seed: int, execution: Execution, scale: float) -> None:
    panel = panel_with_gaps(seed)
    targets = random_targets(panel, seed)
    dearer = Execution(
        costs=Costs(
            commission_bps=execution.costs.commission_bps + scale,
            slippage_bps=execution.costs.slippage_bps + scale,
            slippage_of_range=execution.costs.slippage_of_range + scale / 100,
            borrow_rate=execution.costs.borrow_rate + scale / 100,
        ),
        fill=execution.fill,
        rebalance=execution.rebalance,
    )
    cheap, dear = execute(panel, targets, execution), execute(panel, targets, dearer)
    assert (dear.equity <= cheap.equity * (1 + 1e-15)).all()
    assert dear.gross == pytest.approx(cheap.gross, abs=1e-15)


@settings(deadline=None)
@given(seed=seeds, execution=executions, border=st.integers(1, 59))
def test_two_runs_chained_are_one(seed: int, execution: Execution, border: int) -> None:
    panel = panel_with_gaps(seed)
    targets = random_targets(panel, seed)
    border = min(border, len(panel) - 1)
    whole = execute(panel, targets, execution)
    first = execute(panel.slice(0, border), targets[:border], execution)
    second = execute(
        panel.slice(border, len(panel)), targets[border:], execution, account=first.end
    )
    assert np.array_equal(np.concatenate([first.equity, second.equity]), whole.equity)
    assert np.array_equal(np.vstack([first.cost, second.cost]), whole.cost)
    assert second.end.equity == whole.end.equity
    assert np.array_equal(second.end.mark, whole.end.mark, equal_nan=True)


@settings(deadline=None)
@given(seed=seeds, execution=executions, known=st.integers(1, 40))
def test_nothing_booked_depends_on_later_bars_or_targets(
    seed: int, execution: Execution, known: int
) -> None:
    panel = panel_with_gaps(seed)
    targets = random_targets(panel, seed)
    whole = execute(panel, targets, execution)
    cut = execute(panel.slice(0, known), targets[:known], execution)
    for name in ("weight", "net", "equity", "cost"):
        assert np.array_equal(getattr(whole, name)[:known], getattr(cut, name))


@pytest.mark.parametrize("fill", ["open", "close"])
def test_a_target_earns_nothing_before_the_next_bar(fill: Fill) -> None:
    bars = random_walk_bars(30)
    targets = np.zeros((30, 1))
    targets[10:] = 1.0
    ledger = execute(Panel.of([bars]), targets, Execution(costs=Costs(), fill=fill))
    assert (ledger.equity[:11] == 1.0).all()
    # At the next close, only what came after the fill was earned.
    gained = bars.ohlcv[11, 3] / bars.ohlcv[11, 0] if fill == "open" else 1.0
    assert ledger.equity[11] == pytest.approx(gained)


def test_whoever_knows_tomorrow_earns_absurdly_more() -> None:
    panel = Panel.of([random_walk_bars(500, seed=4)])
    tomorrow = np.zeros((500, 1))
    tomorrow[:-1] = np.sign(panel.close[1:] - panel.open[1:])
    today = np.sign(panel.close - panel.open)
    leak, honest = execute(panel, tomorrow, FREE), execute(panel, today, FREE)
    assert leak.equity[-1] > 500.0
    assert 0.3 < honest.equity[-1] < 3.0


def test_an_order_waits_for_the_next_bar_of_its_symbol() -> None:
    walk = random_walk_bars(20, symbol="GAPS", seed=1)
    missing = np.zeros(20, dtype=np.bool_)
    missing[6:9] = True
    panel = Panel.of([without_rows(walk, missing), random_walk_bars(20, symbol="CLOCK")])
    targets = np.zeros((20, 2))
    targets[5:, 0] = 1.0
    ledger = execute(panel, targets, FREE)
    assert not ledger.traded[:9].any()
    assert ledger.traded[9, 0] == 1.0
    assert ledger.equity[-1] == pytest.approx(walk.ohlcv[-1, 3] / walk.ohlcv[9, 0])


def test_an_order_that_is_taken_back_before_its_bar_never_was() -> None:
    walk = random_walk_bars(20, symbol="GAPS", seed=1)
    missing = np.zeros(20, dtype=np.bool_)
    missing[6:9] = True
    panel = Panel.of([without_rows(walk, missing), random_walk_bars(20, symbol="CLOCK")])
    targets = np.zeros((20, 2))
    targets[5:7, 0] = 1.0
    assert not execute(panel, targets, FREE).traded.any()


def test_a_short_pays_for_the_time_between_closes() -> None:
    flat = Panel.of([bars_of(np.full((4, 5), 100.0))])
    targets = np.array([[-1.0], [-1.0], [0.0], [0.0]])
    ledger = execute(flat, targets, Execution(costs=Costs(borrow_rate=0.36525)))
    # Sold short in the second bar and bought back in the fourth: two nights at 0.1%.
    assert ledger.borrowing == pytest.approx([0.0, 0.0, 0.001, 0.001])
    assert ledger.equity[-1] == pytest.approx(0.999**2)


def test_slippage_grows_with_the_range_of_the_bar_of_the_fill() -> None:
    values = np.full((3, 5), 100.0)
    values[1, 1:3] = 106.0, 96.0
    costs = Costs(commission_bps=1.0, slippage_bps=2.0, slippage_of_range=0.1)
    ledger = execute(Panel.of([bars_of(values)]), np.ones((3, 1)), Execution(costs=costs))
    assert ledger.commission[1] == pytest.approx(0.0001)
    assert ledger.slippage[1] == pytest.approx(0.0002 + 0.1 * 10 / 100)
    assert not ledger.cost[2].any()


@pytest.mark.parametrize("fill", ["open", "close"])
def test_a_short_that_loses_everything_ends_the_account(fill: Fill) -> None:
    values = np.full((6, 5), 100.0)
    values[3:, :4] = 300.0
    other = random_walk_bars(6, symbol="OTHER")
    panel = Panel.of([bars_of(values), other])
    targets = np.tile([-1.0, 0.5], (6, 1))
    ledger = execute(panel, targets, Execution(costs=DEAR, fill=fill))
    assert ledger.ruined_at == 3
    assert ledger.net[3] == ledger.gross[3] == -1.0
    assert (ledger.before_fill + ledger.after_fill)[3].sum() == pytest.approx(-1.0)
    assert not ledger.equity[3:].any()
    assert not ledger.weight[3:].any()
    chained = execute(panel, targets, FREE, account=ledger.end)
    assert not chained.equity.any()


def test_costs_that_take_everything_end_the_account() -> None:
    panel = Panel.of([bars_of(np.full((4, 5), 100.0))])
    ledger = execute(panel, np.ones((4, 1)), Execution(costs=Costs(commission_bps=20_000.0)))
    assert ledger.equity.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert ledger.cost.sum() == ledger.commission.sum() == pytest.approx(1.0)


@dataclass(frozen=True)
class Misfit:
    targets: NDArray[np.float64]
    message: str


@pytest.mark.parametrize(
    "misfit",
    [
        Misfit(np.zeros((3, 1)), r"targets: was shape \(3, 1\), needed shape \(4, 1\)"),
        Misfit(np.full((4, 1), np.nan), "targets: was in part not finite"),
    ],
    ids=["shape", "NaN"],
)
def test_targets_that_do_not_fit_are_refused(misfit: Misfit) -> None:
    panel = Panel.of([random_walk_bars(4)])
    with pytest.raises(InvalidArray, match=misfit.message):
        execute(panel, misfit.targets, FREE)


def test_a_panel_without_bars_is_refused() -> None:
    panel = Panel.of([random_walk_bars(4)]).slice(4, 4)
    with pytest.raises(InvalidArray, match="panel: was without bars"):
        execute(panel, np.zeros((0, 1)), FREE)


def test_an_account_begins_with_cash_alone() -> None:
    account = Account.opened(3)
    assert account.equity == 1.0
    assert account.weight.tolist() == account.target.tolist() == [0.0, 0.0, 0.0]
    assert account.time is None


def test_the_first_bar_of_a_new_account_only_decides() -> None:
    panel = Panel.of([random_walk_bars(10)])

    def begun(ledger: Ledger) -> int:
        return len(ledger.net[ledger.periods])

    first = execute(panel.slice(0, 5), np.ones((5, 1)), FREE)
    second = execute(panel.slice(5, 10), np.ones((5, 1)), FREE, account=first.end)
    assert (begun(first), begun(second)) == (4, 5)
