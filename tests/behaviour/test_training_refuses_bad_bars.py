"""Bars that are none end the run with exit code 2, a message that names them, and no package."""

from pathlib import Path

import numpy as np
import pytest
from tickcast_trainer.cli import main

HEADER = "time,open,high,low,close,volume"


def good_lines(count: int = 1500) -> list[str]:
    start = np.datetime64("2010-01-01")
    return [HEADER, *(f"{start + day},10,11,9,{10 + day % 2 / 2},100" for day in range(count))]


def with_row_1000(row: str) -> list[str]:
    lines = good_lines()
    lines[999] = row
    return lines


BAD = {
    "garbage": (with_row_1000("2012-09-25,10,11,9,ten,100"), "row 1000, column close: was 'ten'"),
    "a shifted row": (
        with_row_1000("10,11,9,10,100,2012-09-25"),
        "row 1000, column time: was '10'",
    ),
    "too many values": (with_row_1000("2012-09-25,10,11,9,10,100,7"), "row 1000: was 7 values"),
    "NaN": (with_row_1000("2012-09-25,10,NaN,9,10,100"), "row 1000, column high: was 'NaN'"),
    "no price": (with_row_1000("2012-09-25,10,11,0,10,100"), "row 1000, column low: was 0.0"),
    "high under low": (with_row_1000("2012-09-25,10,8,9,10,100"), "row 1000, column high: was 8.0"),
    "a mixed zone": (
        with_row_1000("2012-09-25T00:00:00+09:00,10,11,9,10,100"),
        "row 1000, column time: was '2012-09-25T00:00:00+09:00', needed a time without a zone",
    ),
    "a duplicate": (
        with_row_1000("2012-09-24,10,11,9,10,100"),
        "row 1000, column time: was 2012-09-24T00:00:00Z as in row 999",
    ),
    "off the grid": (
        [HEADER, "2010-01-01T00:30,1,1,1,1,1", "2010-01-01T01:30,1,1,1,1,1"],
        "row 2, column time: was 2010-01-01T00:30:00Z, needed the start of a",
    ),
    "missing columns": (["time,open,close", "2010-01-01,1,1"], "columns were time, open, close"),
    "too few bars": (good_lines(60), "bars: were 60 of the longest symbol, needed 65"),
    "bars too few for folds": (good_lines(200), "needed 2 folds and 100 rows"),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_bars_are_named_and_nothing_is_written(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, message = BAD[fault]
    path, models = tmp_path / "ACME.csv", tmp_path / "models"
    path.write_text("\n".join(lines) + "\n")
    assert main(["--name", "m", "--source", "csv", str(path), "--models", str(models)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not models.exists()


def test_the_file_is_named_with_the_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ACME.csv"
    path.write_text("\n".join(BAD["garbage"][0]))
    assert main(["--name", "m", "--source", "csv", str(path), "--models", str(tmp_path / "m")]) == 2
    expected = f"tickcast-train: {path}, row 1000, column close: was 'ten', needed a finite number"
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--timeframe", "daily"], "timeframe: was 'daily', needed"),
        (["--timeframe", "2d"], "needed the start of a"),
        (
            ["--until", "2009-01-01"],
            "until: was 2009-01-01T00:00:00+00:00, needed after",
        ),
        (["--horizon", "700"], "needed 1401 for the feature set core and a horizon of 700"),
    ],
)
def test_good_bars_with_settings_that_do_not_fit_are_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, models = tmp_path / "ACME.csv", tmp_path / "models"
    path.write_text("\n".join(good_lines(1400)))
    given = ["--name", "m", "--source", "csv", *arguments, str(path), "--models", str(models)]
    assert main(given) == 2
    assert message in capsys.readouterr().err
    assert not models.exists()
