"""Features of a whole universe: 5,000 symbols, 10 years of daily bars, on two processes."""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.timeframe import Timeframe
from tickcast_trainer.dataset import build_dataset
from tickcast_trainer.engine import open_engine
from tickcast_trainer.progress import show_progress

DAY = 86_400
FIRST = 946_684_800  # 2000-01-01


def universe(symbols: int, bars: int) -> list[BarSeries]:
    """Random walks, each bar with a range and a volume."""
    random = np.random.default_rng(7)
    open_time = FIRST + DAY * np.arange(bars)
    series = []
    for number in range(symbols):
        close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, bars)))
        opened = close * np.exp(random.normal(0.0, 0.005, bars))
        reach = np.exp(np.abs(random.normal(0.0, 0.01, bars)))
        columns = (
            opened,
            np.maximum(opened, close) * reach,
            np.minimum(opened, close) / reach,
            close,
            random.lognormal(12.0, 1.0, bars),
        )
        series.append(
            BarSeries.checked(
                symbol=f"S{number:05}",
                timeframe=Timeframe.parse("1d"),
                open_time=open_time,
                ohlcv=np.column_stack(columns),
            )
        )
    return series


def timed(work: Callable[[], int]) -> tuple[int, float]:
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=5_000)
    parser.add_argument("--bars", type=int, default=2_520)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--engine", choices=["local", "ray"], default="local")
    options = parser.parse_args()
    series = universe(options.symbols, options.bars)
    before = peak_megabytes()
    with (
        open_engine(options.engine, options.processes) as engine,
        show_progress(Console(stderr=True)) as progress,
    ):
        rows, seconds = timed(
            lambda: len(
                build_dataset(series, feature_set=CORE, horizon=1, progress=progress, engine=engine)
            )
        )
        workers = dict(engine.map(peak_of_worker, range(4 * options.processes)))
    own = peak_megabytes()
    child = max(workers.values())
    print(
        f"{rows:,} rows of {len(CORE.names)} features from {options.symbols:,} symbols in "
        f"{seconds:.1f} s ({rows / seconds:,.0f} rows a second, {options.processes} processes of "
        f"{options.engine}); peak memory {own:,.0f} MB here, of which bars {before:,.0f}, and "
        f"{child:,.0f} MB in the greatest worker"
    )


def peak_of_worker(_item: int) -> tuple[int, float]:
    """Process id and peak memory of whoever computes this item."""
    return os.getpid(), peak_megabytes()


def peak_megabytes() -> float:
    """Greatest resident memory of this process so far; Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
