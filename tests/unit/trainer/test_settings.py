"""Settings: where they come from, which wins, and what is refused."""

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from tickcast_modelkit.manifest import is_model_name
from tickcast_trainer.errors import InvalidSettings
from tickcast_trainer.settings import EstimatorName, load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "train.toml"
    path.write_text('name = "file"\nhorizon = 2\nseed = 2\nfolds = 4\n[ridge]\nalpha = 2.0\n')
    return path


def test_flags_beat_variables_beat_the_file_beats_defaults(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKCAST_TRAIN_HORIZON", "3")
    monkeypatch.setenv("TICKCAST_TRAIN_SEED", "3")
    settings = load_settings(["--config", str(file), "--seed", "4"])
    assert (settings.seed, settings.horizon, settings.folds) == (4, 3, 4)
    assert settings.ridge.alpha == 2.0
    assert settings.coverage == 0.9


def test_the_file_may_be_named_by_a_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKCAST_TRAIN_CONFIG", str(file))
    assert load_settings([]).name == "file"


def test_sections_are_reached_by_flag_and_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKCAST_TRAIN_RIDGE__ALPHA", "5")
    settings = load_settings(["--name", "daily", "--xgboost.trees", "20"])
    assert (settings.ridge.alpha, settings.xgboost.trees) == (5.0, 20)


def test_estimators_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(["--name", "d"]).estimators == ("ridge", "xgboost")
    assert load_settings(["--name", "d", "--estimators", "xgboost,ridge"]).estimators == (
        "xgboost",
        "ridge",
    )
    monkeypatch.setenv("TICKCAST_TRAIN_ESTIMATORS", "ridge")
    assert load_settings(["--name", "d"]).estimators == ("ridge",)


def test_every_estimator_has_a_name_and_a_section() -> None:
    names = get_args(EstimatorName)
    settings = load_settings(["--name", "d", "--estimators", ",".join(names)])
    assert settings.estimators == names
    assert all(hasattr(settings, name.replace("-", "_")) for name in names)


def test_members_of_an_ensemble_are_separated_by_commas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "train.toml"
    file.write_text('name = "d"\n[average]\nmembers = ["elastic-net", "mlp"]\n')
    monkeypatch.setenv("TICKCAST_TRAIN_STACK__MEMBERS", "ridge,mlp")
    settings = load_settings(["--config", str(file)])
    assert settings.average.members == ("elastic-net", "mlp")
    assert settings.stack.members == ("ridge", "mlp")
    flags = ["--config", str(file), "--stack.members", "xgboost,lightgbm"]
    assert load_settings(flags).stack.members == ("xgboost", "lightgbm")


def test_the_longest_name_leaves_room_for_every_estimator() -> None:
    name = load_settings(["--name", 45 * "a"]).name
    assert all(is_model_name(f"{name}-{estimator}") for estimator in get_args(EstimatorName))


def test_the_path_follows_the_flags() -> None:
    settings = load_settings(["--name", "d", "--source", "csv", "bars/"])
    assert (settings.source, settings.path) == ("csv", "bars/")


def test_until_is_utc_unless_it_says_otherwise() -> None:
    assert load_settings(["--name", "d", "--until", "2012-03-01"]).until == datetime(
        2012, 3, 1, tzinfo=UTC
    )
    zoned = load_settings(["--name", "d", "--until", "2012-03-01T01:00:00+01:00"]).until
    assert zoned == datetime(2012, 3, 1, tzinfo=UTC)


def test_printed_settings_read_back_are_the_same(tmp_path: Path) -> None:
    settings = load_settings(
        ["--name", "d", "--until", "2012-03-01", "--promote", "--ridge.alpha", "3", 'a "b".csv']
    )
    path = tmp_path / "printed.toml"
    path.write_text(settings.to_toml())
    assert load_settings(["--config", str(path)]).to_toml() == settings.to_toml()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name: was absent, needed as --name, as TICKCAST_TRAIN_NAME"),
        (["--name", "Daily"], "name: was 'Daily', needed"),
        (["--name", "d", "--horizon", "0"], "horizon: was '0', needed"),
        (["--name", "d", "--coverage", "1"], "coverage: was '1', needed"),
        (["--name", "d", "--until", "soon"], "until: was 'soon', needed"),
        (["--name", "d", "--estimators", "lasso"], "estimators.0: was 'lasso', needed"),
        (["--name", "d", "--estimators", "ridge,ridge"], "each at most once"),
        (["--name", 52 * "a"], "name: was"),
        (["--name", "d", "--stack.members", "ridge"], "at least two estimators"),
        (["--name", "d", "--stack.members", "mlp,mlp"], "each at most once"),
        (["--name", "d", "--stack.members", "ridge,average"], "stack.members.1: was 'average'"),
        (["--name", "d", "--ridge.alpha", "-1"], "ridge.alpha: was '-1', needed"),
        (["--name", "d", "--speed", "9"], "unrecognized arguments: --speed"),
        (["--name", "d", "--config", "/nowhere.toml"], "config: was /nowhere.toml, needed"),
    ],
)
def test_what_cannot_be_used_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(arguments)
    assert message in str(refusal.value)


def test_every_wrong_value_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(["--horizon", "0", "--folds", "1"])
    assert [line.split(":")[0] for line in str(refusal.value).splitlines()] == [
        "name",
        "horizon",
        "folds",
    ]


@pytest.mark.parametrize("line", ["speed = 9", "[ridge]\nbeta = 1", "[lasso]\nalpha = 1"])
def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "train.toml"
    path.write_text(f'name = "d"\n{line}\n')
    with pytest.raises(InvalidSettings, match="there is no such setting"):
        load_settings(["--config", str(path)])


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text("name: daily")
    with pytest.raises(InvalidSettings, match="was no TOML file"):
        load_settings(["--config", str(path)])


@pytest.mark.parametrize("variable", ["TICKCAST_TRAIN_SPEED", "TICKCAST_TRAIN_RIDGE__BETA"])
def test_an_unknown_variable_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(InvalidSettings):
        load_settings(["--name", "d"])
