"""Settings of a backtest: where they come from, which wins, and what is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tickcast_trainer.backtest.settings import load_settings
from tickcast_trainer.errors import InvalidSettings

RSI = ["--strategy", "rsi"]


def test_flags_beat_variables_beat_the_file_beats_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backtest.toml"
    file.write_text(
        'strategy = "macd"\ncommission_bps = 2.0\nslippage_bps = 2.0\n[rsi]\nspan = 5\n'
    )
    monkeypatch.setenv("TICKCAST_BACKTEST_COMMISSION_BPS", "3")
    monkeypatch.setenv("TICKCAST_BACKTEST_SLIPPAGE_BPS", "3")
    settings = load_settings(["--config", str(file), "--slippage-bps", "4"])
    assert (settings.strategy, settings.commission_bps, settings.slippage_bps) == ("macd", 3.0, 4.0)
    assert (settings.rsi.span, settings.borrow_rate) == (5, 0.005)


def test_flags_and_the_path() -> None:
    settings = load_settings(
        [*RSI, "--source", "csv", "--long-only", "--json", "--rsi.span", "7", "bars/"]
    )
    assert (settings.source, settings.path, settings.rsi.span) == ("csv", "bars/", 7)
    assert settings.long_only
    assert settings.json_output


def test_instants_are_utc_unless_they_say_otherwise() -> None:
    settings = load_settings([*RSI, "--start", "2012-03-01", "--end", "2012-04-01T01:00:00+01:00"])
    assert settings.start == datetime(2012, 3, 1, tzinfo=UTC)
    assert settings.end == datetime(2012, 4, 1, tzinfo=UTC)


def test_printed_settings_read_back_are_the_same(tmp_path: Path) -> None:
    settings = load_settings(
        [*RSI, "--start", "2012-03-01", "--symbol-limit", "0.2", "--macd.fast", "3", 'a "b".csv']
    )
    path = tmp_path / "printed.toml"
    path.write_text(settings.to_toml())
    assert load_settings(["--config", str(path)]).to_toml() == settings.to_toml()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "strategy: was absent, needed as --strategy, as TICKCAST_BACKTEST_STRATEGY"),
        (["--strategy", "luck"], "strategy: was 'luck', needed"),
        ([*RSI, "--commission-bps", "-1"], "commission_bps: was '-1', needed"),
        ([*RSI, "--gross-limit", "0"], "gross_limit: was '0', needed"),
        ([*RSI, "--start", "soon"], "start: was 'soon', needed"),
        ([*RSI, "--start", "2012-01-02", "--end", "2012-01-02"], "end: was 2012-01-02T00:00:00"),
        ([*RSI, "--rsi.oversold", "60"], "needed: oversold below middle below overbought"),
        ([*RSI, "--sma-cross.fast", "50"], "needed: fast below slow"),
        ([*RSI, "--macd.fast", "26"], "needed: fast below slow"),
        ([*RSI, "--model.leave", "0.1"], "needed: leave at most enter"),
        ([*RSI, "--model-package", "m/1"], "model_package: was m/1, needed none with --strategy"),
        (["--strategy", "model"], "model_package: was absent, needed with --strategy model"),
        ([*RSI, "--speed", "9"], "unrecognized arguments: --speed"),
        ([*RSI, "--config", "/nowhere.toml"], "config: was /nowhere.toml, needed"),
    ],
)
def test_what_cannot_be_used_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(arguments)
    assert message in str(refusal.value)


@pytest.mark.parametrize("line", ["speed = 9", "[rsi]\nbeta = 1", "[lasso]\nalpha = 1"])
def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "backtest.toml"
    path.write_text(f'strategy = "rsi"\n{line}\n')
    with pytest.raises(InvalidSettings, match="there is no such setting"):
        load_settings(["--config", str(path)])


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "backtest.toml"
    path.write_text("strategy: rsi")
    with pytest.raises(InvalidSettings, match="was no TOML file"):
        load_settings(["--config", str(path)])


@pytest.mark.parametrize("variable", ["TICKCAST_BACKTEST_SPEED", "TICKCAST_BACKTEST_RSI__BETA"])
def test_an_unknown_variable_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(InvalidSettings):
        load_settings(RSI)
