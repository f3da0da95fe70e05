"""Target weights to fills, costs and equity, bar by bar.

The weight decided at the close of a bar is traded at the next bar of its symbol: at its open, or at
its close if asked. A period lasts from one close to the next. In each

1. what was held moves from the last close to the price of the fill; short positions pay for the
   time since the last close;
2. symbols whose target is not the one they were last traded to are traded to it: the weight then
   held is the target, as a share of the equity at that moment, at the prices of the fill;
3. costs are taken from the whole account in proportion, so that they change no weight;
4. what is held then moves from the fill to the close.

So 1 + net return = (1 + gross return)(1 - share that costs took), and equity is what it would have
been without costs times a factor of at most 1. A symbol without a bar is neither traded nor moved;
its order waits. Cash earns nothing. When losses or costs reach the whole account, the period's
return is -100% and nothing happens after it: what may be owed beyond is not counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.errors import InvalidArray

from tickcast_trainer.backtest.carry import carry_forward
from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.indicators import Columns
from tickcast_trainer.backtest.ledger import Account, Ledger, Vector
from tickcast_trainer.backtest.panel import SECONDS_PER_YEAR, Panel

Fill: TypeAlias = Literal["open", "close"]
"""Which price of the next bar a trade is filled at."""

Rebalance: TypeAlias = Literal["on-change", "every-bar"]
"""Whether a holding whose target stays drifts with its price, or is traded back at every bar."""

# Rows whose returns are made ready at once: few enough to stay small beside the panel.
_BLOCK_ROWS = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Execution:
    """How targets are traded."""

    costs: Costs
    fill: Fill = "open"
    rebalance: Rebalance = "on-change"


class _Period(NamedTuple):
    # One row of the market, and its number in the panel.
    row: int
    to_fill: Vector
    to_close: Vector
    tradable: NDArray[np.bool_]
    slippage: Vector
    borrow: float
    target: Vector


def execute(
    panel: Panel, targets: Columns, execution: Execution, *, account: Account | None = None
) -> Ledger:
    """Trade ``targets`` (T, N), known at the closes of ``panel``, and keep the books.

    ``account`` goes on from the end of an earlier run, whose last row came before this panel's
    first; two runs so chained give the equity of one. Raises InvalidArray when the targets do not
    fit the panel or are not finite, or when the panel is empty.
    """
    if not len(panel):
        raise InvalidArray("panel", was="without bars", needed="at least one")
    if targets.shape != panel.close.shape:
        needed = f"shape {panel.close.shape}, that of the panel"
        raise InvalidArray("targets", was=f"shape {targets.shape}", needed=needed)
    if not np.isfinite(targets).all():
        raise InvalidArray("targets", was="in part not finite", needed="a number everywhere")
    start = Account.opened(len(panel.symbols)) if account is None else account
    books = _Books(panel, start, execution)
    for period in _periods(panel, targets, execution, start):
        if books.equity == 0.0:
            break
        books.settle(period)
    return books.close(targets)


def _periods(
    panel: Panel, targets: Columns, execution: Execution, start: Account
) -> Iterator[_Period]:
    mark, decided = start.mark, start.target
    elapsed = np.diff(panel.close_time, prepend=panel.close_time[0])
    if start.time is not None:
        elapsed[0] = panel.close_time[0] - start.time
    borrow = execution.costs.borrow_rate * elapsed / SECONDS_PER_YEAR
    for first in range(0, len(panel), _BLOCK_ROWS):
        block = panel.slice(first, first + _BLOCK_ROWS)
        price = block.open if execution.fill == "open" else block.close
        marks = carry_forward(block.close, mark)
        # No bar, no movement; and nothing was held at a close before the first.
        to_fill = np.nan_to_num(price / np.vstack([mark, marks[:-1]]) - 1.0)
        to_close = np.nan_to_num(block.close / price - 1.0)
        slippage = execution.costs.slippage(price, block.reach)
        known = np.vstack([decided, targets[first : first + len(block) - 1]])
        rows = zip(to_fill, to_close, block.has_bar, slippage, known, strict=True)
        for row, (reach, rest, tradable, slip, target) in enumerate(rows, first):
            yield _Period(row, reach, rest, tradable, slip, float(borrow[row]), target)
        mark, decided = marks[-1], targets[first + len(block) - 1]


class _Books:
    # The account while it is run, and what is written down of every period.

    def __init__(self, panel: Panel, start: Account, execution: Execution) -> None:
        self._panel = panel
        self._start = start
        self._execution = execution
        self._weight = start.weight
        self._traded_target = start.traded_target
        self.equity = start.equity
        self.ruined_at: int | None = None
        periods, symbols = panel.close.shape
        self._before, self._after, self._cost, self._traded, self._weights = (
            np.zeros((periods, symbols)) for _ in range(5)
        )
        self._gross, self._net, self._equity = (np.zeros(periods) for _ in range(3))
        self._commission, self._slippage, self._borrowing = (np.zeros(periods) for _ in range(3))

    def settle(self, period: _Period) -> None:
        before = self._weight * period.to_fill
        reached = 1.0 + float(np.add.reduce(before))
        if reached <= 0.0:
            self._lose(period.row, before, np.zeros_like(before))
            return
        held = (self._weight + before) / reached
        borrowed = period.borrow * np.maximum(-held, 0.0)
        held, traded = self._trade(held, period)
        self._traded[period.row] = traded
        moved = held * period.to_close
        kept = 1.0 + float(np.add.reduce(moved))
        if kept <= 0.0:
            self._lose(period.row, before, reached * moved)
            return
        self._weight = (held + moved) / kept
        self._before[period.row] = before
        self._after[period.row] = reached * moved
        self._charge(period, reached * kept, traded, borrowed)

    def _trade(self, held: Vector, period: _Period) -> tuple[Vector, Vector]:
        ordered = period.tradable
        if self._execution.rebalance == "on-change":
            ordered = ordered & (period.target != self._traded_target)
            if not ordered.any():
                return held, np.zeros_like(held)
        self._traded_target = np.where(ordered, period.target, self._traded_target)
        wanted = np.where(ordered, period.target, held)
        return wanted, np.abs(wanted - held)

    def _charge(self, period: _Period, growth: float, traded: Vector, borrowed: Vector) -> None:
        row = period.row
        commission = self._execution.costs.commission * traded
        slipped = period.slippage * traded
        charge = commission + slipped + borrowed
        charged = float(np.add.reduce(charge))
        # Of costs above all that there is, each part is paid in proportion.
        paid = 1.0 if charged < 1.0 else 1.0 / charged
        left = 1.0 - charged if charged < 1.0 else 0.0
        self.equity *= growth * left
        self._weights[row] = self._weight
        self._cost[row] = charge * (paid * growth)
        self._commission[row] = np.add.reduce(commission) * (paid * growth)
        self._slippage[row] = np.add.reduce(slipped) * (paid * growth)
        self._borrowing[row] = np.add.reduce(borrowed) * (paid * growth)
        self._gross[row] = growth - 1.0
        self._net[row] = growth * left - 1.0
        self._equity[row] = self.equity
        if left == 0.0:
            self._end(row)

    def _lose(self, row: int, before: Vector, after: Vector) -> None:
        loss = -float(np.add.reduce(before) + np.add.reduce(after))
        self._before[row] = before / loss
        self._after[row] = after / loss
        self._gross[row] = self._net[row] = -1.0
        self._end(row)

    def _end(self, row: int) -> None:
        self.equity = 0.0
        self.ruined_at = row
        self._weight = np.zeros_like(self._weight)
        self._weights[row] = 0.0

    def close(self, targets: Columns) -> Ledger:
        panel = self._panel
        end = Account(
            equity=self.equity,
            weight=self._weight,
            traded_target=self._traded_target,
            target=targets[-1],
            mark=_last_closes(panel, self._start.mark),
            time=int(panel.close_time[-1]),
        )
        return Ledger(
            panel=panel,
            start=self._start,
            end=end,
            before_fill=self._before,
            after_fill=self._after,
            cost=self._cost,
            traded=self._traded,
            weight=self._weights,
            gross=self._gross,
            net=self._net,
            equity=self._equity,
            commission=self._commission,
            slippage=self._slippage,
            borrowing=self._borrowing,
            ruined_at=self.ruined_at,
        )


def _last_closes(panel: Panel, before: Vector) -> Vector:
    present = panel.has_bar
    last = len(panel) - 1 - np.argmax(present[::-1], axis=0)
    closes = panel.close[last, np.arange(len(panel.symbols))]
    return np.where(present.any(axis=0), closes, before)
