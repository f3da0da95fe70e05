"""Fixtures of the data room: rows as a source sends them, and a folder that has imported them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.data.bronze import add_received
from tickcast_trainer.data.layout import BRONZE, SeriesKey
from tickcast_trainer.sources.received import ReceivedBars

LATER = 2_000_000_000
"""An arrival long after every bar of the tests."""

Receive = Callable[..., int]
Rows = Callable[..., ReceivedBars]


@pytest.fixture
def walk() -> BarSeries:
    """600 daily bars of a random walk, in three calendar years."""
    return random_walk_bars(600)


@pytest.fixture
def rows_of() -> Rows:
    """Makes received rows of a series, or of some of its bars."""

    def rows(
        series: BarSeries,
        chosen: slice | Sequence[int] = slice(None),
        *,
        adjusted_close: NDArray[np.float64] | None = None,
        scale: float = 1.0,
    ) -> ReceivedBars:
        ohlcv = series.ohlcv[chosen] * np.array([scale] * 4 + [1.0])
        count = len(ohlcv)
        return ReceivedBars(
            open_time=series.open_time[chosen],
            close_time=None,
            ohlcv=ohlcv,
            adjusted_close=np.full(count, np.nan) if adjusted_close is None else adjusted_close,
            provenance=np.full(count, "a test", dtype=object),
            row=np.arange(1, count + 1),
        )

    return rows


@pytest.fixture
def receive(tmp_path: Path) -> Receive:
    """Brings rows into the bronze of the test's folder; returns how many files were new."""

    def receive(
        bars: ReceivedBars,
        *,
        source: str = "csv",
        symbol: str = "TEST",
        timeframe: str = "1d",
        arrival: int = LATER,
    ) -> int:
        key = SeriesKey(timeframe, symbol)
        return add_received(tmp_path / BRONZE, key, source, bars, arrival_time=arrival)

    return receive
