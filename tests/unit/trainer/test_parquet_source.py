"""Parquet files of bars: typed columns, and the same refusals as CSV."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tickcast_trainer.errors import BarSourceError, MissingColumns, UnusableRows
from tickcast_trainer.sources import csv, parquet


def frame(count: int = 1500) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time": pd.date_range("2020-01-01", periods=count, freq="h"),
            "open": np.linspace(10.0, 20.0, count),
            "high": np.linspace(11.0, 21.0, count),
            "low": np.linspace(9.0, 19.0, count),
            "close": np.linspace(10.5, 20.5, count),
            "volume": np.arange(count),
        }
    )


def write(bars: pd.DataFrame, folder: Path, name: str = "ACME.parquet") -> str:
    path = folder / name
    bars.to_parquet(path)
    return str(path)


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2020-01-01", periods=1500, freq="h"),
        pd.date_range("2020-01-01", periods=1500, freq="h", tz="UTC"),
        pd.date_range("2019-12-31 19:00", periods=1500, freq="h", tz="America/New_York"),
        pd.date_range("2020-01-01", periods=1500, freq="h").as_unit("ns").asi8 // 10**6,
        pd.date_range("2020-01-01", periods=1500, freq="h").astype(str),
    ],
    ids=["naive", "utc", "new york", "milliseconds", "text"],
)
def test_times_of_every_type_are_the_same_instants(tmp_path: Path, times: pd.Index) -> None:
    (series,) = parquet.open(write(frame().assign(time=times), tmp_path))
    assert series.symbol == "ACME"
    assert str(series.timeframe) == "1h"
    assert series.open_time[:2].tolist() == [1577836800, 1577840400]


def test_parquet_and_csv_hold_the_same_bars(tmp_path: Path) -> None:
    bars = frame()
    bars.to_csv(tmp_path / "ACME.csv", index=False)
    (from_csv,) = csv.open(str(tmp_path / "ACME.csv"))
    (from_parquet,) = parquet.open(write(bars, tmp_path))
    assert np.array_equal(from_csv.open_time, from_parquet.open_time)
    assert np.array_equal(from_csv.ohlcv, from_parquet.ohlcv)


def test_a_time_that_was_the_index_is_a_column(tmp_path: Path) -> None:
    assert len(parquet.open(write(frame().set_index("time"), tmp_path))[0]) == 1500


def test_a_folder_is_a_symbol_for_each_file(tmp_path: Path) -> None:
    write(frame(3), tmp_path, "B.parquet")
    write(frame(2), tmp_path, "A.parquet")
    assert [(one.symbol, len(one)) for one in parquet.open(str(tmp_path))] == [("A", 2), ("B", 3)]


def test_a_missing_value_is_named_by_its_row(tmp_path: Path) -> None:
    bars = frame()
    bars.loc[999, "close"] = np.nan
    with pytest.raises(UnusableRows, match="row 1000, column close: was empty"):
        parquet.open(write(bars, tmp_path))


def test_a_missing_time_is_named_by_its_row(tmp_path: Path) -> None:
    bars = frame()
    bars.loc[999, "time"] = pd.NaT
    with pytest.raises(UnusableRows, match="row 1000, column time: was empty"):
        parquet.open(write(bars, tmp_path))


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingColumns, match="needed also low, volume"):
        parquet.open(write(frame().drop(columns=["low", "volume"]), tmp_path))


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ACME.parquet"
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(BarSourceError, match="no readable Parquet file"):
        parquet.open(str(path))
