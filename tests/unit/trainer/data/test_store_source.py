"""The store as a source of bars: training sees silver."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.data.errors import NothingHeld
from tickcast_trainer.data.layout import SILVER
from tickcast_trainer.errors import BarSourceError
from tickcast_trainer.sources import store
from tickcast_trainer.sources.received import ReceivedBars
from tickcast_trainer.sources.source import find_source

Receive = Callable[..., int]
Rows = Callable[..., ReceivedBars]


def test_it_is_found_by_name() -> None:
    assert find_source("store") is store.open


def test_it_gives_silver_by_symbol(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk), symbol="B")
    receive(rows_of(walk, [*range(50), 49, *range(50, 600)]), symbol="A/USD")
    series = store.open(str(tmp_path))
    assert [one.symbol for one in series] == ["A/USD", "B"]
    assert all(np.array_equal(one.ohlcv, walk.ohlcv) for one in series)


def test_of_several_timeframes_one_must_be_chosen(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk))
    receive(rows_of(random_walk_bars(100, timeframe="1h")), timeframe="1h")
    with pytest.raises(BarSourceError, match="timeframe: was absent, needed one of 1d, 1h"):
        store.open(str(tmp_path))
    (hourly,) = store.open(str(tmp_path), timeframe="1h")
    assert len(hourly) == 100
    with pytest.raises(NothingHeld, match="timeframe: was 5m, needed one of 1d, 1h"):
        store.open(str(tmp_path), timeframe="5m")


def test_an_empty_folder_says_how_bars_come_in(tmp_path: Path) -> None:
    with pytest.raises(NothingHeld, match="tickcast data import brings some"):
        store.open(str(tmp_path))


def test_bars_of_which_none_is_valid_are_refused(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    sent = rows_of(walk, slice(0, 3))
    sent.ohlcv[:, 0] = np.nan
    receive(sent)
    with pytest.raises(BarSourceError, match="without a valid bar"):
        store.open(str(tmp_path))


def test_a_damaged_file_is_no_hindrance(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk))
    store.open(str(tmp_path))
    path = next((tmp_path / SILVER).rglob("bars.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    assert np.array_equal(store.open(str(tmp_path))[0].ohlcv, walk.ohlcv)
