"""`tickcast backtest`: what it prints, what it refuses, and that a model is tested on new bars."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE, last_window
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.backtest.cli import main
from tickcast_trainer.backtest.model import load_model

# The package that the fixture add_package writes was trained on the first 300 of these bars.
BARS = random_walk_bars(500)
TRAINED_UNTIL = "2024-10-27"


def write_csv(folder: Path, series: BarSeries) -> None:
    folder.mkdir(exist_ok=True)
    days = series.open_time.astype("datetime64[s]").astype("datetime64[D]")
    rows = zip(days, series.ohlcv.tolist(), strict=True)
    lines = [",".join([str(day), *map(repr, row)]) for day, row in rows]
    header = "date,open,high,low,close,volume"
    (folder / f"{series.symbol}.csv").write_text("\n".join([header, *lines]))


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    folder = tmp_path / "bars"
    write_csv(folder, BARS)
    write_csv(folder, random_walk_bars(500, symbol="OTHER", seed=9))
    return folder


@pytest.fixture
def figures(bars: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Runs the command on the bars and returns its JSON."""

    def run(*arguments: str) -> dict[str, Any]:
        assert main(["--source", "csv", str(bars), "--json", *arguments]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    return run


Figures = Callable[..., dict[str, Any]]


def test_it_is_a_command_of_the_program() -> None:
    (command,) = entry_points(group="tickcast.commands", name="backtest")
    assert command.load() is main


def test_help_loads_no_numerical_library() -> None:
    heavy = "{'numpy', 'pandas', 'sklearn', 'xgboost', 'onnx', 'onnxruntime', 'bokeh_sampledata'}"
    script = (
        "import sys; from tickcast_trainer.backtest.cli import main; code = main(['--help']); "
        f"found = {heavy} & set(sys.modules); sys.exit(f'loaded {{found}}' if found else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--strategy" in done.stdout


@pytest.mark.parametrize("strategy", ["rsi", "sma-cross", "macd", "buy-and-hold"])
def test_every_rule_runs_on_the_bundled_bars(
    strategy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--strategy", strategy]) == 0
    printed = capsys.readouterr().out
    assert f"{strategy} on 5 symbols: 3,269 periods of 1d bars" in printed
    assert "The 95% interval of the Sharpe ratio" in printed
    assert "IN-SAMPLE" not in printed


def test_buy_and_hold_earns_what_the_prices_did(figures: Figures) -> None:
    free = ("--commission-bps", "0", "--slippage-bps", "0")
    found = figures("--strategy", "buy-and-hold", *free)
    other = random_walk_bars(500, symbol="OTHER", seed=9)
    ratios = [one.ohlcv[-1, 3] / one.ohlcv[1, 0] for one in (BARS, other)]
    assert found["performance"]["total_return"] == pytest.approx(np.mean(ratios) - 1.0)
    assert found["performance"] == found["buy_and_hold"]


def test_costs_come_from_the_settings(figures: Figures) -> None:
    once = figures("--strategy", "macd", "--commission-bps", "5", "--slippage-bps", "0")
    more = figures("--strategy", "macd", "--commission-bps", "10", "--slippage-bps", "0")
    costs = [found["performance"]["costs"] for found in (once, more)]
    assert costs[1]["commission"] == pytest.approx(2 * costs[0]["commission"])
    assert costs[0]["commission"] > costs[0]["slippage"] == 0.0
    returns = [found["performance"]["total_return"] for found in (once, more)]
    assert returns[1] < returns[0]


def test_long_only_is_never_short(figures: Figures) -> None:
    both = figures("--strategy", "sma-cross")["performance"]
    long = figures("--strategy", "sma-cross", "--long-only")["performance"]
    assert long["net_exposure"] == long["exposure"]
    assert both["net_exposure"] < both["exposure"]


def test_start_and_end_bound_what_is_tested(figures: Figures) -> None:
    found = figures("--strategy", "macd", "--start", "2024-06-01", "--end", "2024-09-01")
    assert found["performance"]["start"] == "2024-06-02T00:00:00Z"
    assert found["performance"]["end"] == "2024-09-01T00:00:00Z"
    # What came before warmed the averages up: the first bar has a signal, the second trades.
    assert found["performance"]["exposure"] > 0.9


def test_bars_before_the_start_decide_only_through_indicators(figures: Figures) -> None:
    whole = figures("--strategy", "buy-and-hold", "--start", "2024-06-01")
    assert whole["performance"]["positions"] == 2
    assert whole["performance"]["periods"] == 500 - 152 - 1


def test_symbols_without_bars_in_the_time_are_left_out(bars: Path, figures: Figures) -> None:
    write_csv(bars, random_walk_bars(30, symbol="GONE"))
    found = figures("--strategy", "buy-and-hold", "--start", "2024-06-01")
    assert found["symbols"] == ["OTHER", "TEST"]
    assert found["left_out"] == ["GONE"]


def test_a_symbol_that_vanished_is_named(bars: Path, figures: Figures) -> None:
    write_csv(bars, random_walk_bars(400, symbol="GONE"))
    found = figures("--strategy", "buy-and-hold")
    assert found["performance"]["symbols"][0]["stale_since"] == "2025-02-04T00:00:00Z"
    assert found["verdict"][0].startswith("GONE is held at its last price, of 2025-02-04")


def test_a_model_is_refused_the_bars_that_it_was_trained_on(
    bars: Path, add_package: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--strategy", "model", "--model-package", str(add_package())]
    assert main([*model, "--source", "csv", str(bars)]) == 2
    message = capsys.readouterr().err
    assert "start: was 2024-01-02T00:00:00Z, the first close tested; needed 2024-10-27" in message
    assert "--in-sample" in message
    assert main([*model, "--source", "csv", str(bars), "--start", "2024-10-25"]) == 2


def test_a_model_is_tested_on_later_bars(
    figures: Figures, add_package: Callable[..., Path]
) -> None:
    model = ("--strategy", "model", "--model-package", str(add_package()))
    # The bar that opens a day earlier closes when the training ended.
    found = figures(*model, "--start", "2024-10-26")
    assert found["strategy"] == "tiny version 1"
    assert not found["in_sample"]
    assert found["trained_until"] == f"{TRAINED_UNTIL}T00:00:00Z"
    assert not any("IN-SAMPLE" in sentence for sentence in found["verdict"])


def test_in_sample_figures_say_so(
    bars: Path,
    figures: Figures,
    add_package: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = ("--strategy", "model", "--model-package", str(add_package()), "--in-sample")
    found = figures(*model)
    assert found["in_sample"]
    assert found["verdict"][0].startswith("IN-SAMPLE: tiny version 1 was trained on bars up to")
    assert main([*model, "--source", "csv", str(bars)]) == 0
    assert capsys.readouterr().out.count("IN-SAMPLE") == 2
    # With nothing of the training among the bars, there is nothing to say.
    assert not figures(*model, "--start", TRAINED_UNTIL)["in_sample"]


def test_a_model_forecasts_as_a_server_does(
    figures: Figures, add_package: Callable[..., Path]
) -> None:
    package = add_package()
    model = load_model(package)
    signs = []
    for row in range(350, 499):
        window = last_window(CORE, BARS.open_time[: row + 1], BARS.ohlcv[: row + 1])
        signs.append(float(np.sign(model.predict(CORE.compute(window))[0])))
    changes = 1 + int(np.count_nonzero(np.diff(signs)))
    start = str(BARS.open_time[350].astype("datetime64[s]"))
    found = figures("--strategy", "model", "--model-package", str(package), "--start", start)
    (test,) = (one for one in found["performance"]["symbols"] if one["symbol"] == "TEST")
    assert changes > 1
    assert test["positions"] == changes


def test_a_model_of_another_timeframe_is_refused(
    tmp_path: Path, add_package: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    hourly = random_walk_bars(100, timeframe="1h", symbol="HOURLY")
    times = hourly.open_time.astype("datetime64[s]")
    rows = zip(times, hourly.ohlcv.tolist(), strict=True)
    lines = [",".join([str(time), *map(repr, row)]) for time, row in rows]
    path = tmp_path / "HOURLY.csv"
    path.write_text("\n".join(["date,open,high,low,close,volume", *lines]))
    model = ["--strategy", "model", "--model-package", str(add_package()), "--in-sample"]
    assert main([*model, "--source", "csv", str(path)]) == 2
    assert "timeframe: was 1h, needed 1d, which tiny was trained on" in capsys.readouterr().err


def test_a_package_that_was_altered_is_refused(
    bars: Path, add_package: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    package = add_package()
    (package / "model.onnx").write_bytes(b"something else")
    model = ["--strategy", "model", "--model-package", str(package)]
    assert main([*model, "--source", "csv", str(bars)]) == 2
    assert "SHA-256" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "quandl"], "source: was 'quandl', needed one of bundled, csv, parquet"),
        (["--start", "2030-01-01"], "bars: were none between start and end, needed some"),
        (["--end", "1999-01-01"], "there are bars from 2000-03-01T00:00:00Z to 2013-03-02"),
        (["--start", "2013-03-01"], "bars: was 1, needed 2 or more"),
        (["--commission-bps", "-1"], "commission_bps: was '-1', needed"),
    ],
)
def test_what_cannot_be_tested_ends_with_2_and_a_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--strategy", "rsi", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_print_config_prints_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--strategy", "rsi", "--source", "nowhere", "--print-config"]) == 0
    assert 'strategy = "rsi"' in capsys.readouterr().out
