"""Bronze: what came is kept as it came, once, and is never changed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.data.bronze import bronze_paths, read_bronze
from tickcast_trainer.data.errors import CorruptPartition
from tickcast_trainer.data.layout import BRONZE, SeriesKey, list_series
from tickcast_trainer.sources.received import ReceivedBars, concatenate

Receive = Callable[..., int]
Rows = Callable[..., ReceivedBars]
KEY = SeriesKey("1d", "TEST")


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in bronze_paths(root / BRONZE, KEY)}


def test_rows_are_kept_as_they_came(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    adjusted = walk.ohlcv[:5, 3] / 2
    adjusted[2] = np.nan
    sent = rows_of(walk, [3, 1, 1, 0, 4], adjusted_close=adjusted)
    sent.ohlcv[0, 1] = -7.0
    receive(sent, source="kraken", arrival=1_800_000_000)
    (file,) = read_bronze(tmp_path / BRONZE, KEY)
    assert file.source == "kraken"
    assert file.arrival_time == 1_800_000_000
    assert np.array_equal(file.bars.open_time, sent.open_time)
    assert np.array_equal(file.bars.ohlcv, sent.ohlcv)
    assert np.array_equal(file.bars.adjusted_close, adjusted, equal_nan=True)
    assert file.bars.close_time is None
    assert file.bars.provenance.tolist() == ["a test"] * 5
    assert file.bars.row.tolist() == [1, 2, 3, 4, 5]


def test_a_day_or_more_is_parted_by_year_and_less_by_month(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    assert receive(rows_of(walk)) == 2
    hours = random_walk_bars(24 * 40, timeframe="1h")
    assert receive(rows_of(hours), timeframe="1h") == 2
    folders = {path.parent.name for path in (tmp_path / BRONZE).glob("*/*/*/*.parquet")}
    assert folders == {"period=2024", "period=2025", "period=2024-01", "period=2024-02"}


def test_the_same_rows_again_add_nothing(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk), arrival=1_900_000_000)
    before = contents(tmp_path)
    assert receive(rows_of(walk), arrival=1_950_000_000) == 0
    assert contents(tmp_path) == before


def test_other_rows_are_added_and_change_nothing(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk))
    before = contents(tmp_path)
    assert receive(rows_of(walk, scale=1.01)) == 2
    assert receive(rows_of(walk), source="kraken") == 2
    after = contents(tmp_path)
    assert len(after) == len(before) + 4
    assert before.items() <= after.items()


def test_a_damaged_file_is_named_and_written_again_by_the_same_import(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk))
    before = contents(tmp_path)
    damaged = bronze_paths(tmp_path / BRONZE, KEY)[1]
    damaged.write_bytes(damaged.read_bytes()[:-50])
    with pytest.raises(CorruptPartition, match=damaged.name):
        list(read_bronze(tmp_path / BRONZE, KEY))
    assert receive(rows_of(walk)) == 1
    assert contents(tmp_path) == before


def test_a_file_under_the_name_of_another_is_noticed(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk))
    first, second = bronze_paths(tmp_path / BRONZE, KEY)
    second.write_bytes(first.read_bytes())
    with pytest.raises(CorruptPartition, match="than its name tells"):
        list(read_bronze(tmp_path / BRONZE, KEY))


@pytest.mark.parametrize("symbol", ["BTC/USD", "^GSPC", "ES=F", "BRK.B", "a:b-c_d"])
def test_every_symbol_has_a_folder_of_its_own(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive, symbol: str
) -> None:
    receive(rows_of(walk), symbol=symbol)
    assert list(list_series(tmp_path / BRONZE)) == [SeriesKey("1d", symbol)]
    assert len(list(read_bronze(tmp_path / BRONZE, SeriesKey("1d", symbol)))) == 2


def test_pages_are_put_one_after_the_other(walk: BarSeries, rows_of: Rows) -> None:
    both = concatenate([rows_of(walk, slice(0, 3)), rows_of(walk, slice(3, 5))])
    assert np.array_equal(both.ohlcv, walk.ohlcv[:5])
    assert both.row.tolist() == [1, 2, 3, 1, 2]
    assert len(concatenate([])) == 0
