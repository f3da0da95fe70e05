"""CSV files of bars: what is accepted, and how each fault is named."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tickcast_modelkit.errors import InvalidTimeframe
from tickcast_trainer.errors import (
    BarsNotFound,
    BarSourceError,
    MissingColumns,
    UnusableRows,
)
from tickcast_trainer.sources import csv

HEADER = "time,open,high,low,close,volume"

WriteCsv = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> WriteCsv:
    def write(lines: Sequence[str], name: str = "ACME.csv") -> str:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return write


def daily(count: int) -> list[str]:
    start = np.datetime64("2020-01-01")
    return [HEADER, *(f"{start + day},10,11,9,10.5,100" for day in range(count))]


def problems(location: str) -> list[str]:
    with pytest.raises(UnusableRows) as refusal:
        csv.open(location)
    return [str(problem).removeprefix(f"{location}, ") for problem in refusal.value.problems]


def test_a_file_is_one_symbol_named_by_the_file(write: WriteCsv) -> None:
    (series,) = csv.open(write(daily(3)))
    assert series.symbol == "ACME"
    assert str(series.timeframe) == "1d"
    assert series.open_time.tolist() == [1577836800, 1577923200, 1578009600]
    assert series.close_time.tolist() == [1577923200, 1578009600, 1578096000]
    assert series.ohlcv.tolist() == [[10.0, 11.0, 9.0, 10.5, 100.0]] * 3


def test_a_symbol_column_splits_a_file(write: WriteCsv) -> None:
    lines = [f"symbol,{HEADER}"]
    lines += [f"{symbol},{row}" for row in daily(3)[1:] for symbol in ("B", "A")]
    assert [(series.symbol, len(series)) for series in csv.open(write(lines))] == [
        ("A", 3),
        ("B", 3),
    ]


def test_a_folder_is_a_symbol_for_each_file(write: WriteCsv) -> None:
    write(daily(3), "B.csv")
    folder = Path(write(daily(2), "A.csv")).parent
    (folder / "README.txt").write_text("no bars")
    assert [(series.symbol, len(series)) for series in csv.open(str(folder))] == [
        ("A", 2),
        ("B", 3),
    ]


def test_column_names_have_no_case_and_no_order(write: WriteCsv) -> None:
    lines = [
        "Volume,Close,LOW,High,Open,Remarks,Timestamp",
        "1,2,2,3,2,no,2020-01-01",
        "1,2,2,3,2,,2020-01-02",
    ]
    (series,) = csv.open(write(lines))
    assert series.ohlcv[0].tolist() == [2.0, 3.0, 2.0, 2.0, 1.0]


def test_rows_may_come_newest_first(write: WriteCsv) -> None:
    lines = daily(4)
    (series,) = csv.open(write([lines[0], *reversed(lines[1:])]))
    assert np.all(np.diff(series.open_time) == 86400)


def test_an_exchange_closes_its_bars_a_millisecond_early(write: WriteCsv) -> None:
    lines = ["open_time,open,high,low,close,volume,close_time"]
    lines += [f"{start},1,1,1,1,0,{start + 59_999}" for start in (1577836800000, 1577836860000)]
    (series,) = csv.open(write(lines))
    assert (series.close_time - series.open_time).tolist() == [60, 60]


def test_a_close_before_the_end_of_the_slot_stays(write: WriteCsv) -> None:
    lines = [
        f"{HEADER},close_time",
        "2020-01-01,1,1,1,1,0,2020-01-01T21:00",
        "2020-01-02,1,1,1,1,0,2020-01-02T21:00",
    ]
    (series,) = csv.open(write(lines))
    assert (series.close_time - series.open_time).tolist() == [21 * 3600] * 2


def test_adjusted_closes_undo_a_split(write: WriteCsv) -> None:
    lines = [f"{HEADER},Adj Close", "2020-01-01,10,12,8,10,100,5", "2020-01-02,5,6,4,5,200,5"]
    (series,) = csv.open(write(lines))
    assert series.ohlcv.tolist() == [[5.0, 6.0, 4.0, 5.0, 200.0], [5.0, 6.0, 4.0, 5.0, 200.0]]


def test_a_gzipped_file_is_unpacked(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "ACME.csv.gz"
    path.write_bytes(gzip.compress("\n".join(daily(3)).encode()))
    assert csv.open(str(path))[0].symbol == "ACME"


@pytest.mark.parametrize(
    ("seconds", "timeframe"),
    [
        (60, "1m"),
        (300, "5m"),
        (3600, "1h"),
        (14_400, "4h"),
        (86_400, "1d"),
        (172_800, "2d"),
        (15, "15s"),
    ],
)
def test_the_timeframe_is_the_smallest_distance(
    write: WriteCsv, seconds: int, timeframe: str
) -> None:
    # One bar is missing, so that not every distance is the smallest.
    lines = [HEADER, *(f"{1577836800 + slot * seconds},1,1,1,1,0" for slot in (0, 1, 3))]
    assert str(csv.open(write(lines))[0].timeframe) == timeframe


def test_a_given_timeframe_is_checked_against_the_grid(write: WriteCsv) -> None:
    location = write(daily(2))
    assert str(csv.open(location, timeframe="1h")[0].timeframe) == "1h"
    with pytest.raises(UnusableRows, match="row 3, column time: was 2020-01-02T00:00:00Z"):
        csv.open(location, timeframe="2d")
    with pytest.raises(InvalidTimeframe):
        csv.open(location, timeframe="daily")


def test_a_single_bar_has_no_timeframe(write: WriteCsv) -> None:
    with pytest.raises(BarSourceError, match="timeframe"):
        csv.open(write(daily(1)))
    assert len(csv.open(write(daily(1)), timeframe="1d")[0]) == 1


def test_garbage_in_row_1000_is_named_by_file_row_and_column(write: WriteCsv) -> None:
    lines = daily(1500)
    lines[999] = lines[999].replace("10.5", "n/a")
    location = write(lines)
    with pytest.raises(UnusableRows) as refusal:
        csv.open(location)
    assert (
        str(refusal.value)
        == f"{location}, row 1000, column close: was 'n/a', needed a finite number"
    )


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("2020-01-03,NaN,11,9,10,1", ["row 4, column open: was 'NaN', needed a finite number"]),
        ("2020-01-03,10,inf,9,10,1", ["row 4, column high: was 'inf', needed a finite number"]),
        (
            "2020-01-03,10,11,9,10,1_000",
            ["row 4, column volume: was '1_000', needed a finite number"],
        ),
        ("2020-01-03,10,11,9,,1", ["row 4, column close: was empty, needed a finite number"]),
        ("2020-01-03,10,11,9,10", ["row 4, column volume: was empty, needed a finite number"]),
        (
            "2020-01-03T00:00:00Z,10,11,9,10,1",
            [
                "row 4, column time: was '2020-01-03T00:00:00Z', "
                "needed a time without a zone as in the first row, 2020-01-01"
            ],
        ),
        (
            "2020-01-02,10,11,9,10,1",
            [
                "row 4, column time: was 2020-01-02T00:00:00Z as in row 3, "
                "needed one bar of ACME at a time"
            ],
        ),
        (
            "2020-01-03T00:00:00.5,10,11,9,10,1",
            ["row 4, column time: was '2020-01-03T00:00:00.5', needed whole seconds"],
        ),
    ],
)
def test_a_bad_row_is_named(write: WriteCsv, row: str, named: list[str]) -> None:
    lines = daily(5)
    lines[3] = row
    assert problems(write(lines)) == named


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("2020-01-03,10,11,9,0,1", "close"),
        ("2020-01-03,-10,11,9,10,1", "open"),
        ("2020-01-03,10,8,9,10,1", "high"),
        ("2020-01-03,10,11,9,10,-1", "volume"),
    ],
)
def test_a_row_that_is_no_bar_is_named(write: WriteCsv, row: str, column: str) -> None:
    lines = daily(5)
    lines[3] = row
    assert any(f"row 4, column {column}: was" in problem for problem in problems(write(lines)))


def test_bars_before_1970_are_refused(write: WriteCsv) -> None:
    lines = [HEADER, "1969-12-30,1,1,1,1,0", "1969-12-31,1,1,1,1,0"]
    assert all("column time" in problem for problem in problems(write(lines)))


def test_every_fault_is_held_and_twenty_are_shown(write: WriteCsv) -> None:
    location = write([HEADER, *(f"{day},1,1,1,1,0" for day in range(33))])
    with pytest.raises(UnusableRows) as refusal:
        csv.open(location)
    assert len(refusal.value.problems) == 33
    shown = str(refusal.value).splitlines()
    assert len(shown) == 21
    assert shown[-1] == "and 13 more"


def test_missing_columns_are_named_beside_those_found(write: WriteCsv) -> None:
    with pytest.raises(MissingColumns) as refusal:
        csv.open(write(["Date,Open,Close", "2020-01-01,1,1"]))
    assert refusal.value.missing == ("high", "low", "volume")
    assert "columns were Date, Open, Close; needed also high, low, volume" in str(refusal.value)


def test_a_missing_time_says_which_names_it_may_have(write: WriteCsv) -> None:
    with pytest.raises(MissingColumns, match="time, date, timestamp, open_time"):
        csv.open(write(["when,open,high,low,close,volume", "2020-01-01,1,1,1,1,1"]))


def test_a_row_with_too_many_values_is_named(write: WriteCsv) -> None:
    lines = daily(5)
    lines[3] += ",7,8"
    with pytest.raises(BarSourceError, match="row 4: was 8 values, needed 6 as in the header"):
        csv.open(write(lines))


def test_two_columns_of_one_meaning_are_refused(write: WriteCsv) -> None:
    with pytest.raises(BarSourceError, match="were time and Date"):
        csv.open(write([f"{HEADER},Date", "2020-01-01,1,1,1,1,1,2020-01-01"]))


def test_a_symbol_that_is_none_is_named(write: WriteCsv) -> None:
    lines = [f"{HEADER},symbol", "2020-01-01,1,1,1,1,1,A B", "2020-01-02,1,1,1,1,1,"]
    assert [problem.split(", needed")[0] for problem in problems(write(lines))] == [
        "row 2, column symbol: was 'A B'",
        "row 3, column symbol: was empty",
    ]


def test_a_file_whose_name_is_no_symbol_needs_a_column(write: WriteCsv) -> None:
    with pytest.raises(BarSourceError, match="needed one or a symbol as the file's name"):
        csv.open(write(daily(2), "my bars.csv"))


def test_a_symbol_in_two_files_is_refused(write: WriteCsv) -> None:
    lines = [f"{HEADER},symbol", *(f"{row},A" for row in daily(3)[1:])]
    write(daily(3), "A.csv")
    folder = Path(write(lines, "B.csv")).parent
    with pytest.raises(BarSourceError, match=r"symbol A: was in .*A\.csv and in .*B\.csv"):
        csv.open(str(folder))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00bars", b'time,open\n1,"2\n'])
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ACME.csv"
    path.write_bytes(content)
    with pytest.raises(BarSourceError, match="no readable CSV file"):
        csv.open(str(path))


def test_a_file_of_nothing_but_a_header_is_refused(write: WriteCsv) -> None:
    with pytest.raises(BarSourceError, match="was without rows"):
        csv.open(write([HEADER]))


def test_nothing_at_the_location_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BarsNotFound, match=r"holds no \*\.csv"):
        csv.open(str(tmp_path))
    with pytest.raises(BarsNotFound, match="absent"):
        csv.open("")
    with pytest.raises(BarsNotFound, match="nowhere"):
        csv.open(str(tmp_path / "nowhere"))
