"""Time a backtest of 100 symbols over a year: daily bars, and 5-minute bars around the clock.

Each case runs in a process of its own, so that its peak memory is its own. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.execution import Execution, execute
from tickcast_trainer.backtest.panel import Panel
from tickcast_trainer.backtest.performance import measure
from tickcast_trainer.backtest.signals import MacdCross, RsiReversal, Rule, SmaCross, buy_and_hold
from tickcast_trainer.backtest.sizing import Limits, target_weights

Result = TypeVar("Result")

SYMBOLS = 100
RULES: dict[str, Rule] = {
    "buy-and-hold": buy_and_hold,
    "rsi": RsiReversal(),
    "sma-cross": SmaCross(),
    "macd": MacdCross(),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A year of bars, and the seconds that a backtest of them may take."""

    timeframe: str
    bars: int
    limit: float


CASES = {
    "1d": Case(timeframe="1d", bars=365, limit=2.0),
    "5m": Case(timeframe="5m", bars=105_120, limit=30.0),
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Seconds of each stage of one run, and memory in MiB."""

    panel: float
    signal: float
    execution: float
    figures: float
    bars_memory: float
    """Greatest so far once the bars were there, before the backtest began."""

    peak_memory: float

    @property
    def total(self) -> float:
        return self.panel + self.signal + self.execution + self.figures


def run(case: Case, rule: Rule) -> Sample:
    """Make the bars and backtest them once, from series to figures."""
    series = [
        random_walk_bars(
            case.bars, symbol=f"S{seed}", timeframe=case.timeframe, volatility=0.002, seed=seed
        )
        for seed in range(SYMBOLS)
    ]
    bars_memory = peak_mebibytes()
    seconds: list[float] = []
    panel = timed(seconds, lambda: Panel.of(series))
    limits = Limits(symbol=1 / SYMBOLS)
    targets = timed(seconds, lambda: target_weights(rule(panel), limits))
    execution = Execution(costs=Costs(commission_bps=1.0, slippage_of_range=0.05))
    ledger = timed(seconds, lambda: execute(panel, targets, execution))
    timed(seconds, lambda: measure(ledger))
    return Sample(
        panel=seconds[0],
        signal=seconds[1],
        execution=seconds[2],
        figures=seconds[3],
        bars_memory=bars_memory,
        peak_memory=peak_mebibytes(),
    )


def timed(seconds: list[float], stage: Callable[[], Result]) -> Result:
    begin = time.perf_counter()
    result = stage()
    seconds.append(time.perf_counter() - begin)
    return result


def peak_mebibytes() -> float:
    """Return the greatest resident memory of this process so far; Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sample(timeframe: str, rule: str) -> Sample:
    command = [sys.executable, __file__, "--one", timeframe, rule]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Sample(**json.loads(done.stdout))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("TIMEFRAME", "RULE"), help="one run, as JSON")
    arguments = parser.parse_args()
    if arguments.one:
        timeframe, rule = arguments.one
        print(json.dumps(asdict(run(CASES[timeframe], RULES[rule]))))
        return 0
    print("| bars | rule | seconds | panel | signal | execution | figures | peak MiB | bars MiB |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: | --: |")
    slow = False
    for timeframe, case in CASES.items():
        for rule in RULES:
            # The fastest of some rounds: a busy neighbour can only add.
            best = min(
                (sample(timeframe, rule) for _ in range(arguments.rounds)), key=lambda s: s.total
            )
            slow |= best.total > case.limit
            print(
                f"| {case.bars:,} of {timeframe} | {rule} | {best.total:.2f} | {best.panel:.2f}"
                f" | {best.signal:.2f} | {best.execution:.2f} | {best.figures:.2f}"
                f" | {best.peak_memory:,.0f} | {best.bars_memory:,.0f} |",
                flush=True,
            )
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
