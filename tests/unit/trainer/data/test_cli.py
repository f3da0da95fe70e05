"""``tickcast data``: what the commands print, where, and with which exit code."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.cli import main as train
from tickcast_trainer.data.cli import main
from tickcast_trainer.data.findings import Kind
from tickcast_trainer.sources import bundled, store
from tickcast_trainer.sources.csv import open as open_csv

Capture = pytest.CaptureFixture[str]
WriteCsv = Callable[..., str]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands without --data use."""
    monkeypatch.setenv("TICKCAST_BARS", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "data"


@pytest.fixture
def write(tmp_path: Path) -> WriteCsv:
    """Writes a series as a CSV file."""

    def write(series: BarSeries, rows: Sequence[int] | None = None, name: str = "TEST") -> str:
        lines = ["time,open,high,low,close,volume"]
        for row in range(len(series)) if rows is None else rows:
            values = ",".join(map(repr, series.ohlcv[row].tolist()))
            lines.append(f"{np.datetime64(int(series.open_time[row]), 's')}Z,{values}")
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return write


def findings(capsys: Capture) -> dict[str, dict[str, object]]:
    printed = json.loads(capsys.readouterr().out)
    return {one["kind"]: one for one in printed["findings"]}


def test_help_loads_no_numerical_library() -> None:
    heavy = "{'numpy', 'pandas', 'pyarrow', 'rich', 'httpx', 'ccxt', 'yfinance'}"
    script = (
        "import sys; from tickcast_trainer.data.cli import main; code = main(['--help']); "
        f"found = {heavy} & set(sys.modules); sys.exit(f'loaded {{found}}' if found else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "import" in done.stdout


def test_import_check_show_and_train_on_the_bundled_bars(tmp_path: Path, capsys: Capture) -> None:
    assert main(["import", "--source", "bundled"]) == 0
    assert "3,270" in capsys.readouterr().out
    assert main(["check"]) == 0
    assert "5 series checked: nothing bad" in capsys.readouterr().out
    assert main(["show"]) == 0
    printed = capsys.readouterr().out
    assert "AAPL" in printed
    assert "2000-03-01" in printed
    models = str(tmp_path / "models")
    arguments = ["--name", "d", "--estimators", "ridge", "--source", "store", "--models", models]
    assert train([*arguments, str(tmp_path / "data")]) == 0
    assert "11,834 rows of AAPL, FB, GOOG, IBM, MSFT" in capsys.readouterr().out


def test_silver_of_the_bundled_bars_is_the_bundled_bars(data: Path) -> None:
    main(["import", "--source", "bundled"])
    for held, given in zip(store.open(str(data)), bundled.open(), strict=True):
        assert held.symbol == given.symbol
        assert np.array_equal(held.ohlcv, given.ohlcv)


def test_importing_again_brings_no_new_file(write: WriteCsv, capsys: Capture) -> None:
    location = write(random_walk_bars(300))
    assert main(["import", "--source", "csv", location]) == 0
    first = capsys.readouterr().out.split()
    assert main(["import", "--source", "csv", location]) == 0
    again = capsys.readouterr().out.split()
    assert first[-3:] == ["300", "1", "300"]
    assert again[-3:] == ["300", "0", "300"]


def test_a_part_of_a_file_under_another_name(write: WriteCsv, data: Path) -> None:
    location = write(random_walk_bars(300))
    arguments = ["--symbols", "ACME@TEST", "--start", "2024-02-01", "--end", "2024-03-01T00:00Z"]
    assert main(["import", "--source", "csv", location, *arguments]) == 0
    (series,) = store.open(str(data))
    assert series.symbol == "ACME"
    assert len(series) == 29


def test_shown_bars_are_a_csv_file_that_can_be_read_again(
    write: WriteCsv, tmp_path: Path, capsys: Capture
) -> None:
    walk = random_walk_bars(300)
    main(["import", "--source", "csv", write(walk)])
    capsys.readouterr()
    assert main(["show", "--bars"]) == 0
    printed = capsys.readouterr().out
    (tmp_path / "again.csv").write_text(printed)
    (series,) = open_csv(str(tmp_path / "again.csv"))
    assert np.array_equal(series.ohlcv, walk.ohlcv)
    assert {row["source"] for row in csv.DictReader(io.StringIO(printed))} == {"csv"}


def test_a_reader_that_has_enough_is_no_error(data: Path) -> None:
    main(["import", "--source", "bundled"])
    show = [sys.executable, "-m", "tickcast_trainer.data.cli", "show", "--bars"]
    with subprocess.Popen(show, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"symbol,time,open")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_what_is_held_as_json(write: WriteCsv, capsys: Capture) -> None:
    main(["import", "--source", "csv", write(random_walk_bars(300))])
    capsys.readouterr()
    assert main(["show", "--json"]) == 0
    (held,) = json.loads(capsys.readouterr().out)
    assert held == {
        "symbol": "TEST",
        "timeframe": "1d",
        "from": "2024-01-01T00:00:00Z",
        "to": "2024-10-26T00:00:00Z",
        "bars": 300,
        "outliers": 0,
        "sources": {"csv": 300},
        "files": {"bronze": 1, "silver": 1, "gold": 1},
    }


def changed(series: BarSeries, kind: Kind) -> tuple[BarSeries, list[int]]:
    """A series with one fault of a kind, and which of its rows to write."""
    ohlcv, times = series.ohlcv.copy(), series.open_time.copy()
    rows = list(range(len(series)))
    match kind:
        case Kind.INVALID:
            ohlcv[100, 1] = ohlcv[100, 2] / 2
        case Kind.OFF_GRID:
            times[100] += 3600
        case Kind.GAP:
            del rows[100:108]
        case Kind.DUPLICATE:
            rows.insert(100, 100)
        case Kind.OUTLIER:
            ohlcv[100:140:4, :4] *= 3.0
        case Kind.ZERO_VOLUME:
            ohlcv[100:120, 4] = 0.0
        case Kind.SUSPECT_SPLIT:
            ohlcv[100:, :4] /= 4.0
    return (
        BarSeries(
            symbol="TEST",
            timeframe=series.timeframe,
            open_time=times,
            close_time=series.close_time,
            ohlcv=ohlcv,
        ),
        rows,
    )


@pytest.mark.parametrize(
    ("kind", "bars", "is_bad"),
    [
        (Kind.INVALID, 1, True),
        (Kind.OFF_GRID, 1, True),
        (Kind.GAP, 8, True),
        (Kind.OUTLIER, 20, True),
        (Kind.ZERO_VOLUME, 20, True),
        (Kind.SUSPECT_SPLIT, 1, True),
        (Kind.DUPLICATE, 1, False),
    ],
)
def test_each_fault_is_named_and_ends_with_1_where_it_is_bad(
    write: WriteCsv, capsys: Capture, kind: Kind, bars: int, is_bad: bool
) -> None:
    series, rows = changed(random_walk_bars(300, volatility=0.01), kind)
    assert main(["import", "--source", "csv", write(series, rows)]) == 0
    capsys.readouterr()
    assert main(["check", "--json"]) == int(is_bad)
    found = findings(capsys)[kind]
    assert (found["symbol"], found["bars"], found["bad"]) == ("TEST", bars, is_bad)
    assert main(["check"]) == int(is_bad)
    printed = capsys.readouterr().out
    assert kind in printed
    assert (f"{kind} is bad: " in printed) == is_bad


def test_volume_that_is_never_told_is_no_fault(write: WriteCsv, capsys: Capture) -> None:
    series = random_walk_bars(300)
    ohlcv = series.ohlcv * np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    silent = BarSeries.checked(
        symbol="TEST", timeframe=series.timeframe, open_time=series.open_time, ohlcv=ohlcv
    )
    main(["import", "--source", "csv", write(silent)])
    assert main(["check"]) == 0


def test_two_sources_that_disagree_end_with_1(
    write: WriteCsv, tmp_path: Path, capsys: Capture
) -> None:
    series = random_walk_bars(300)
    main(["import", "--source", "csv", write(series)])
    other = series.ohlcv.copy()
    other[::20] *= 1.03
    import pandas as pd

    frame = pd.DataFrame(other, columns=["open", "high", "low", "close", "volume"])
    frame.assign(time=series.open_time).to_parquet(tmp_path / "TEST.parquet")
    main(["import", "--source", "parquet", str(tmp_path / "TEST.parquet")])
    capsys.readouterr()
    assert main(["check", "--json"]) == 1
    assert findings(capsys)[Kind.CONFLICT]["bars"] == 15


@pytest.mark.parametrize("layer", ["silver", "gold"])
def test_damage_above_bronze_is_named_and_made_again(
    write: WriteCsv, data: Path, capsys: Capture, layer: str
) -> None:
    main(["import", "--source", "csv", write(random_walk_bars(300))])
    path = next((data / layer).rglob("period=*/*.parquet"))
    before = path.read_bytes()
    path.write_bytes(before[:500])
    capsys.readouterr()
    assert main(["check", "--json"]) == 1
    assert str(path) in str(findings(capsys)[Kind.CORRUPT]["detail"])
    assert path.read_bytes() == before
    assert main(["check"]) == 0


def test_damaged_bronze_is_named_until_it_is_imported_again(
    write: WriteCsv, data: Path, capsys: Capture
) -> None:
    location = write(random_walk_bars(300))
    main(["import", "--source", "csv", location])
    path = next((data / "bronze").rglob("*.parquet"))
    path.write_bytes(b"PAR1")
    capsys.readouterr()
    for _ in range(2):
        assert main(["check", "--json"]) == 1
        assert str(path) in str(findings(capsys)[Kind.CORRUPT]["detail"])
    assert main(["import", "--source", "csv", location]) == 0
    assert main(["check"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "--source", ""], "sources: was (), needed: "),
        (["import", "--source", "quandl"], "source: was 'quandl', needed one of alphavantage, "),
        (["import", "--source", "csv,parquet"], "source: was csv,parquet, needed one source"),
        (["import", "--source", "csv", "nowhere"], "path: was nowhere, needed"),
        (["import", "--source", "bundled", "--start", "soon"], "start: was 'soon', needed: "),
        (["import", "--source", "bundled", "--symbols", "XYZ"], "symbols: was XYZ, needed one of"),
        (["import", "--source", "bundled", "--horizon", "0"], "horizon: was '0', needed: "),
        (["import", "--source", "bundled", "--timeframe", "daily"], "timeframe: was 'daily', "),
        (["check"], "needed bars: tickcast data import brings some"),
        (["show", "--symbols", "XYZ"], "needed bars: tickcast data import brings some"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_was_and_what_is_needed(
    capsys: Capture, arguments: list[str], message: str
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tickcast-data: ")
    assert message in captured.err


def test_a_folder_that_cannot_be_one_ends_with_2(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("a file")
    location = str(tmp_path / "file" / "below")
    assert main(["import", "--source", "bundled", "--data", location]) == 2
    assert "needed a usable folder" in capsys.readouterr().err


def test_unreadable_values_bring_nothing_in(tmp_path: Path, data: Path, capsys: Capture) -> None:
    path = tmp_path / "TEST.csv"
    path.write_text("time,open,high,low,close,volume\n2020-01-01,1,1,1,n/a,1\n")
    assert main(["import", "--source", "csv", str(path)]) == 2
    assert "row 2, column close: was 'n/a', needed a finite number" in capsys.readouterr().err
    assert not list(data.rglob("*.parquet"))


def test_precedence_is_kept_in_the_folder(write: WriteCsv, data: Path, tmp_path: Path) -> None:
    walk = random_walk_bars(300)
    main(["import", "--source", "csv", write(walk)])
    import pandas as pd

    frame = pd.DataFrame(walk.ohlcv * 1.001, columns=["open", "high", "low", "close", "volume"])
    frame.assign(time=walk.open_time).to_parquet(tmp_path / "TEST.parquet")
    main(["import", "--source", "parquet", str(tmp_path / "TEST.parquet")])
    assert store.open(str(data))[0].ohlcv[0, 3] == walk.ohlcv[0, 3]
    main(["import", "--source", "csv", write(walk), "--precedence", "parquet,csv"])
    assert store.open(str(data))[0].ohlcv[0, 3] == walk.ohlcv[0, 3] * 1.001
    (data / "precedence").write_text("csv\n")
    assert store.open(str(data))[0].ohlcv[0, 3] == walk.ohlcv[0, 3]
