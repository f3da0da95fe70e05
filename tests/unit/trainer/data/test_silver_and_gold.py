"""Silver and gold: functions of the layer below, made again where they are stale or damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.data.errors import CorruptPartition
from tickcast_trainer.data.findings import Kind
from tickcast_trainer.data.gold import build_gold, gold_layer
from tickcast_trainer.data.layout import SILVER, SeriesKey
from tickcast_trainer.data.precedence import DEFAULT_PRECEDENCE
from tickcast_trainer.data.silent import Silent
from tickcast_trainer.data.silver import (
    build_gaps,
    build_silver,
    open_silver,
    read_findings,
    read_gaps,
    read_silver,
)
from tickcast_trainer.dataset import build_dataset
from tickcast_trainer.sources.received import ReceivedBars

Receive = Callable[..., int]
Rows = Callable[..., ReceivedBars]
KEY = SeriesKey("1d", "TEST")


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Each file's bytes, and when it was written."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in found
    }


@pytest.fixture
def root(tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive) -> Path:
    receive(rows_of(walk))
    build_silver(tmp_path, KEY, DEFAULT_PRECEDENCE)
    build_gaps(tmp_path, "1d")
    return tmp_path


def test_silver_is_the_series(root: Path, walk: BarSeries) -> None:
    silver = read_silver(root, KEY)
    assert np.array_equal(silver.series.open_time, walk.open_time)
    assert np.array_equal(silver.series.close_time, walk.close_time)
    assert np.array_equal(silver.series.ohlcv, walk.ohlcv)
    assert set(silver.source) == {"csv"}
    assert not silver.outlier.any()


def test_any_reader_of_partitioned_parquet_reads_it(root: Path, walk: BarSeries) -> None:
    paths = sorted((root / SILVER).rglob("bars.parquet"))
    table = pq.ParquetDataset(paths, partitioning="hive").read()
    assert table.num_rows == 600
    assert set(table.column("symbol").to_pylist()) == {"TEST"}
    assert table.schema.field("open_time").type == pa.timestamp("ms", tz="UTC")


def test_making_it_again_writes_nothing(root: Path) -> None:
    before = files(root)
    assert not build_silver(root, KEY, DEFAULT_PRECEDENCE)
    assert not build_silver(root, KEY, DEFAULT_PRECEDENCE, verify=True)
    build_gaps(root, "1d")
    assert files(root) == before


def test_the_same_bronze_makes_the_same_bytes(root: Path) -> None:
    before = {name: content for name, (content, _) in files(root / SILVER).items()}
    shutil.rmtree(root / SILVER)
    build_silver(root, KEY, DEFAULT_PRECEDENCE)
    build_gaps(root, "1d")
    assert {name: content for name, (content, _) in files(root / SILVER).items()} == before


def test_new_bars_leave_the_files_of_older_periods_alone(
    root: Path, rows_of: Rows, receive: Receive
) -> None:
    before = files(root / SILVER)
    receive(rows_of(random_walk_bars(700), slice(600, 700)))
    assert build_silver(root, KEY, DEFAULT_PRECEDENCE)
    after = files(root / SILVER)
    old = "timeframe=1d/symbol=TEST/period=2024/bars.parquet"
    new = "timeframe=1d/symbol=TEST/period=2025/bars.parquet"
    assert after[old] == before[old]
    assert after[new] != before[new]
    assert len(read_silver(root, KEY).series) == 700


def test_another_precedence_makes_other_bars(
    root: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk, scale=1.001), source="kraken")
    assert set(open_silver(root, KEY, DEFAULT_PRECEDENCE).source) == {"csv"}
    assert set(open_silver(root, KEY, ("kraken",)).source) == {"kraken"}


@pytest.mark.parametrize("period", ["2024", "2025"])
@pytest.mark.parametrize("harm", ["cut", "deleted", "swapped"])
def test_a_damaged_file_is_named_and_made_again(
    root: Path, caplog: pytest.LogCaptureFixture, period: str, harm: str
) -> None:
    before = {name: content for name, (content, _) in files(root / SILVER).items()}
    folder = KEY.below(root / SILVER)
    path = folder / f"period={period}" / "bars.parquet"
    other = folder / f"period={2024 + 2025 - int(period)}" / "bars.parquet"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    elif harm == "deleted":
        path.unlink()
    else:
        path.write_bytes(other.read_bytes())
    with pytest.raises(CorruptPartition, match=f"period={period}"):
        read_silver(root, KEY)
    assert len(open_silver(root, KEY, DEFAULT_PRECEDENCE).series) == 600
    assert {name: content for name, (content, _) in files(root / SILVER).items()} == before
    assert harm == "deleted" or f"period={period}" in caplog.text


def test_a_damaged_index_is_made_again(root: Path, walk: BarSeries) -> None:
    index = KEY.below(root / SILVER) / "index.json"
    before = index.read_bytes()
    index.write_bytes(b'{"period=2024/bars')
    silver = open_silver(root, KEY, DEFAULT_PRECEDENCE)
    build_gaps(root, "1d")
    assert np.array_equal(silver.series.ohlcv, walk.ohlcv)
    assert index.read_bytes() == before


def test_damaged_bronze_stops_silver_and_is_named(
    root: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk, scale=1.5), source="kraken")
    path = next(path for path in sorted(root.glob("bronze/*/*/*/*")))
    path.write_bytes(b"")
    with pytest.raises(CorruptPartition, match=path.name):
        build_silver(root, KEY, DEFAULT_PRECEDENCE)


def test_outliers_stay_and_are_flagged(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    sent = rows_of(walk)
    sent.ohlcv[300, :4] *= 3.0
    receive(sent)
    silver = open_silver(tmp_path, KEY, DEFAULT_PRECEDENCE)
    assert np.array_equal(silver.series.ohlcv, sent.ohlcv)
    assert np.flatnonzero(silver.outlier).tolist() == [300, 301]


def test_what_was_noticed_and_what_is_missing_is_kept_beside_the_bars(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    receive(rows_of(walk, [*range(100), 99, *range(103, 600)]))
    build_silver(tmp_path, KEY, DEFAULT_PRECEDENCE)
    build_gaps(tmp_path, "1d")
    (duplicate,) = read_findings(tmp_path, KEY)
    (gap,), expected = read_gaps(tmp_path, KEY)
    assert (duplicate.kind, duplicate.start) == (Kind.DUPLICATE, walk.open_time[99])
    assert (gap.kind, gap.start, gap.end) == (Kind.GAP, walk.open_time[100], walk.open_time[102])
    assert expected == 600


def test_a_symbol_without_a_valid_bar_is_empty_and_says_why(
    tmp_path: Path, walk: BarSeries, rows_of: Rows, receive: Receive
) -> None:
    sent = rows_of(walk, slice(0, 5))
    sent.ohlcv[:, 3] = -1.0
    receive(sent)
    assert len(open_silver(tmp_path, KEY, DEFAULT_PRECEDENCE).series) == 0
    build_gaps(tmp_path, "1d")
    assert {one.kind for one in read_findings(tmp_path, KEY)} == {Kind.INVALID}


def gold(root: Path, horizon: int) -> pa.Table:
    folder = KEY.below(gold_layer(root, horizon=horizon))
    paths = sorted(folder.rglob("rows.parquet"))
    return pa.concat_tables([pq.ParquetFile(path).read() for path in paths])


@pytest.mark.parametrize("horizon", [1, 5, 300])
@pytest.mark.parametrize("length", [66, 400, 1500])
def test_gold_is_bit_for_bit_what_training_makes(tmp_path: Path, length: int, horizon: int) -> None:
    series = random_walk_bars(length)
    build_gold(tmp_path, series, horizon=horizon)
    if length < 64 + horizon or length < 2 * horizon:
        assert not list(tmp_path.rglob("rows.parquet"))
        return
    rows = gold(tmp_path, horizon)
    expected = build_dataset([series], feature_set=CORE, horizon=horizon, progress=Silent())
    features = np.column_stack([rows.column(name).to_numpy() for name in CORE.names])
    assert np.array_equal(features, expected.features)
    assert np.array_equal(rows.column("target").to_numpy(), expected.target)
    as_of = rows.column("as_of_time").cast(pa.int64()).to_numpy() // 1000
    target_time = rows.column("target_time").cast(pa.int64()).to_numpy() // 1000
    assert np.array_equal(as_of, expected.as_of_time)
    assert np.array_equal(target_time, expected.target_time)


def test_new_bars_leave_older_gold_alone_and_give_old_rows_their_targets(tmp_path: Path) -> None:
    series = random_walk_bars(1500)
    build_gold(tmp_path, series.slice(0, 1400), horizon=5)
    before = files(tmp_path)
    assert len(gold(tmp_path, 5)) == 1400 - 63 - 5
    assert build_gold(tmp_path, series, horizon=5)
    after = files(tmp_path)
    assert len(gold(tmp_path, 5)) == 1500 - 63 - 5
    changed = {name.split("/")[-2] for name in after if before.get(name) != after[name]}
    assert changed == {"period=2027", "period=2028", "symbol=TEST"}
    assert not build_gold(tmp_path, series, horizon=5)
    assert files(tmp_path) == after
