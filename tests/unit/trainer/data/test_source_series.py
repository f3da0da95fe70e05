"""One source's word on every bar: the last one, on the newest basis, of finished bars alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.timeframe import Timeframe
from tickcast_trainer.data.bronze import read_bronze
from tickcast_trainer.data.findings import Finding, Kind
from tickcast_trainer.data.layout import BRONZE, SeriesKey
from tickcast_trainer.data.source_series import SourceSeries, source_series
from tickcast_trainer.sources.received import ReceivedBars

Receive = Callable[..., int]
Rows = Callable[..., ReceivedBars]
Read = Callable[[], tuple[SourceSeries, list[Finding]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read() -> tuple[SourceSeries, list[Finding]]:
        files = read_bronze(tmp_path / BRONZE, SeriesKey("1d", "TEST"))
        (series,), findings = source_series(files, Timeframe.parse("1d"))
        return series, findings

    return read


def test_rows_of_any_order_become_a_series(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read
) -> None:
    receive(rows_of(walk, range(599, -1, -1)))
    series, findings = read()
    assert findings == []
    assert np.array_equal(series.open_time, walk.open_time)
    assert np.array_equal(series.close_time, walk.close_time)
    assert np.array_equal(series.ohlcv, walk.ohlcv)


def test_a_row_twice_is_a_duplicate_or_a_contradiction_and_the_last_counts(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read
) -> None:
    sent = rows_of(walk, [0, 1, 2, 1, 2])
    sent.ohlcv[4] = walk.ohlcv[2] * 1.5
    receive(sent)
    series, findings = read()
    assert [(one.kind, one.start) for one in findings] == [
        (Kind.DUPLICATE, walk.open_time[1]),
        (Kind.CONTRADICTION, walk.open_time[2]),
    ]
    assert series.ohlcv[2].tolist() == (walk.ohlcv[2] * 1.5).tolist()


def test_what_is_no_bar_is_left_out_and_told(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read
) -> None:
    sent = rows_of(walk, slice(0, 10))
    sent.ohlcv[3, 1] = sent.ohlcv[3, 2] / 2
    shift = np.where(np.arange(10) == 5, 3600, 0)
    receive(replace(sent, open_time=sent.open_time + shift))
    series, findings = read()
    assert [(one.kind, one.start) for one in findings] == [
        (Kind.INVALID, walk.open_time[3]),
        (Kind.OFF_GRID, walk.open_time[5] + 3600),
    ]
    assert series.open_time.tolist() == np.delete(walk.open_time[:10], [3, 5]).tolist()


def test_a_bar_that_arrived_before_it_had_closed_waits_for_the_next_arrival(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read
) -> None:
    noon = int(walk.open_time[4]) + 43_200
    receive(rows_of(walk, slice(0, 5), scale=1.0), arrival=noon)
    series, findings = read()
    assert [(one.kind, one.start) for one in findings] == [(Kind.UNFINISHED, walk.open_time[4])]
    assert len(series) == 4
    receive(rows_of(walk, slice(3, 6)), arrival=noon + 10 * 86_400)
    series, _ = read()
    assert np.array_equal(series.ohlcv, walk.ohlcv[:6])


def test_what_a_source_tells_later_counts_and_the_change_is_told(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read
) -> None:
    receive(rows_of(walk), arrival=1_900_000_000)
    changed = rows_of(walk, slice(100, 103))
    changed.ohlcv[1, 3] = changed.ohlcv[1, 1]
    receive(changed, arrival=1_900_000_001)
    series, findings = read()
    assert [(one.kind, one.start) for one in findings] == [(Kind.REVISION, walk.open_time[101])]
    assert series.ohlcv[101, 3] == walk.ohlcv[101, 1]
    assert np.array_equal(series.ohlcv[102:], walk.ohlcv[102:])


def returns(series: SourceSeries) -> list[float]:
    return [float(one) for one in np.diff(np.log(series.ohlcv[:, 3]))]


@pytest.mark.parametrize("overlap", [0, 1, 10])
def test_arrivals_on_either_side_of_a_dividend_have_one_basis(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read, overlap: int
) -> None:
    # 2% are paid at bar 450: all adjusted closes before it are told 2% lower from then on.
    receive(rows_of(walk, slice(0, 400), adjusted_close=walk.ohlcv[:400, 3]), arrival=1_900_000_000)
    factor = np.where(np.arange(600) < 450, 0.98, 1.0)[400 - overlap :]
    adjusted = walk.ohlcv[400 - overlap :, 3] * factor
    receive(
        rows_of(walk, slice(400 - overlap, 600), adjusted_close=adjusted), arrival=1_900_000_001
    )
    series, findings = read()
    assert findings == []
    expected = np.diff(np.log(walk.ohlcv[:, 3]))
    expected[449] -= np.log(0.98)
    assert returns(series) == pytest.approx(expected.tolist(), abs=1e-12)
    assert series.ohlcv[-1].tolist() == walk.ohlcv[-1].tolist()
    assert np.array_equal(series.traded_close, walk.ohlcv[:, 3])


def test_a_vendor_that_undoes_splits_is_put_on_the_scale_after_the_split(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read
) -> None:
    receive(rows_of(walk, slice(0, 400), scale=4.0), arrival=1_900_000_000)
    receive(rows_of(walk, slice(395, 600)), arrival=1_900_000_001)
    series, findings = read()
    assert {one.kind for one in findings} == {Kind.REVISION}
    assert returns(series) == pytest.approx(np.diff(np.log(walk.ohlcv[:, 3])).tolist(), abs=1e-12)


def test_history_that_arrives_after_what_follows_it_joins_it(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read
) -> None:
    receive(rows_of(walk, slice(300, 600)), arrival=1_900_000_000)
    receive(rows_of(walk, slice(0, 300)), arrival=1_900_000_001)
    series, _ = read()
    assert np.array_equal(series.ohlcv, walk.ohlcv)


def test_a_row_without_an_adjusted_close_has_the_factor_of_the_one_before_it(
    walk: BarSeries, rows_of: Rows, receive: Receive, read: Read
) -> None:
    adjusted = walk.ohlcv[:, 3] * np.where(np.arange(600) < 300, 0.5, 1.0)
    expected = adjusted.copy()
    adjusted[[0, 100, 299, 300, 599]] = np.nan
    expected[300] *= 0.5
    receive(rows_of(walk, adjusted_close=adjusted))
    series, _ = read()
    assert series.ohlcv[:, 3] == pytest.approx(expected, rel=1e-12)
