"""The program: exit codes, what goes where, and how quickly help comes."""

import subprocess
import sys
from pathlib import Path

import pytest
from tickcast_trainer.cli import main


def test_help_loads_no_numerical_library() -> None:
    heavy = "{'numpy', 'pandas', 'sklearn', 'xgboost', 'onnx', 'onnxruntime', 'bokeh_sampledata'}"
    script = (
        "import sys; from tickcast_trainer.cli import main; code = main(['--help']); "
        f"found = {heavy} & set(sys.modules); sys.exit(f'loaded {{found}}' if found else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--until" in done.stdout


def test_print_config_prints_and_trains_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    assert main(["--name", "d", "--models", str(models), "--print-config"]) == 0
    assert f'models = "{models}"' in capsys.readouterr().out
    assert not models.exists()


def test_bad_settings_end_with_2_and_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--horizon", "0"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tickcast-train: name: was absent")


def test_an_unknown_source_ends_with_2_and_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--name", "d", "--source", "quandl", "--models", str(tmp_path)]) == 2
    assert "needed one of bundled, csv, parquet" in capsys.readouterr().err


def test_a_repository_that_cannot_be_one_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "models"
    file.write_text("a file")
    assert main(["--name", "d", "--models", str(file / "below")]) == 2
    captured = capsys.readouterr().err
    assert "needed a folder that can be written" in captured
    assert "features" not in captured


def test_until_before_the_first_bar_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--name", "d", "--models", str(tmp_path), "--until", "1999-01-01"]) == 2
    assert "needed after 2000-03-02T00:00:00Z" in capsys.readouterr().err
