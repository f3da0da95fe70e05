"""Training on the bundled bars ends with packages that replay, and with a credible report."""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from tickcast_modelkit.features import CORE
from tickcast_modelkit.manifest import Score
from tickcast_modelkit.package import (
    ModelPackage,
    list_models,
    list_versions,
    read_package,
)
from tickcast_trainer.cli import main

NAMES = ["daily-ridge", "daily-xgboost"]
UNTIL = int(np.datetime64("2012-03-01", "s").astype(np.int64))


@dataclass(frozen=True)
class Trained:
    repository: Path
    exit_code: int
    report: str

    def package(self, name: str) -> ModelPackage:
        return read_package(self.repository / name / "1")


def train(repository: Path, *arguments: str) -> Trained:
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        exit_code = main(["--name", "daily", "--models", str(repository), *arguments])
    return Trained(repository=repository, exit_code=exit_code, report=report.getvalue())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    repository = tmp_path_factory.mktemp("repository") / "models"
    return train(repository, "--until", "2012-03-01")


@pytest.fixture(params=NAMES)
def package(request: pytest.FixtureRequest, trained: Trained) -> ModelPackage:
    return trained.package(request.param)


def score_of(package: ModelPackage, estimator: str) -> Score:
    (score,) = [one for one in package.manifest.evaluation.scores if one.estimator == estimator]
    return score


def test_a_model_for_each_estimator_is_champion_of_its_name(trained: Trained) -> None:
    assert trained.exit_code == 0
    assert list_models(trained.repository) == NAMES
    for name in NAMES:
        aliases = json.loads((trained.repository / name / "aliases.json").read_text())
        assert aliases == {"champion": 1}


def test_the_package_replays_its_golden_rows(package: ModelPackage) -> None:
    session = onnxruntime.InferenceSession(package.onnx)

    def predict(features: NDArray[np.float32]) -> NDArray[np.float32]:
        (answer,) = session.run(["prediction"], {"features": features})
        return np.asarray(answer)[:, 0]

    package.golden.replay(CORE, predict)
    assert len(np.unique(package.golden.predictions)) > 20


def test_golden_rows_span_the_time_and_hold_a_young_window(package: ModelPackage) -> None:
    golden, training = package.golden, package.manifest.training
    ends = golden.open_time[:, -1]
    assert len(ends) >= 24
    assert ends.min() < training.start + 30 * 86_400
    assert ends.max() > training.end - 30 * 86_400
    # A padded window begins with one open time again and again: the first of each symbol does.
    young = golden.open_time[:, 0] == golden.open_time[:, 1]
    assert len(package.manifest.training.symbols) <= young.sum() < len(ends)


def test_nothing_after_until_was_seen(package: ModelPackage) -> None:
    manifest = package.manifest
    assert manifest.training.end <= UNTIL
    assert max(fold.test_end for fold in manifest.evaluation.folds) <= UNTIL
    # FB was listed after that day.
    assert manifest.training.symbols == ("AAPL", "GOOG", "IBM", "MSFT")


def test_a_symbol_left_out_is_named(trained: Trained) -> None:
    assert "Left out for too few bars: FB" in trained.report


def test_each_fold_trains_on_targets_known_before_it_tests(package: ModelPackage) -> None:
    folds = package.manifest.evaluation.folds
    assert len(folds) == 8
    assert all(fold.train_end < fold.test_start for fold in folds)
    assert package.manifest.band.calibration_rows == sum(fold.test_rows for fold in folds)


def test_the_graph_agrees_with_the_model_on_every_training_row(package: ModelPackage) -> None:
    parity = package.manifest.parity
    assert parity.rows == package.manifest.training.rows > 10_000
    assert 0.0 <= parity.median_difference <= parity.maximum_difference <= parity.limit
    assert 1e-6 < parity.limit < 5e-6


def test_the_scores_are_credible_and_beside_those_of_the_baselines(package: ModelPackage) -> None:
    own = score_of(package, package.manifest.estimator)
    baselines = [one for one in package.manifest.evaluation.scores if one.is_baseline]
    assert [one.estimator for one in baselines] == ["zero", "rolling_mean", "last_return"]
    assert {one.rows for one in baselines} == {own.rows}
    # Daily returns are nearly unpredictable: anything better would be a leak.
    assert -0.01 < own.r2_vs_zero < 0.01
    assert own.information_coefficient is not None
    assert abs(own.information_coefficient) < 0.12
    assert own.directional_accuracy is not None
    assert 0.48 < own.directional_accuracy < 0.56
    assert score_of(package, "last_return").r2_vs_zero < -0.5
    assert package.manifest.evaluation.best_baseline == "zero"


def test_intervals_hold_what_they_promise_on_bars_they_had_not_seen(package: ModelPackage) -> None:
    coverage = score_of(package, package.manifest.estimator).interval_coverage
    assert coverage == pytest.approx(package.manifest.band.coverage, abs=0.02)


def test_a_model_said_to_beat_the_baselines_has_the_smaller_error(package: ModelPackage) -> None:
    evaluation = package.manifest.evaluation
    own = score_of(package, package.manifest.estimator)
    best = score_of(package, evaluation.best_baseline)
    verb = "beats" if evaluation.beats_baselines else "does not beat"
    assert evaluation.verdict.startswith(f"{own.estimator} {verb} the baselines: ")
    if evaluation.beats_baselines:
        assert own.rmse < best.rmse


def test_the_report_says_the_same_as_the_manifests(trained: Trained) -> None:
    for name in NAMES:
        assert trained.package(name).manifest.evaluation.verdict in trained.report
        assert f"{name} version 1 (champion): {trained.repository / name / '1'}" in trained.report
    for row in ("zero", "rolling_mean", "last_return", "always up"):
        assert f"\n {row}" in trained.report


def test_a_second_version_waits_as_challenger_unless_promoted(tmp_path: Path) -> None:
    quick = ("--estimators", "ridge", "--folds", "2")
    for arguments, expected in (
        ((), {"champion": 1}),
        ((), {"champion": 1, "challenger": 2}),
        (("--promote",), {"champion": 3, "challenger": 2}),
    ):
        assert train(tmp_path, *quick, *arguments).exit_code == 0
        aliases = json.loads((tmp_path / "daily-ridge" / "aliases.json").read_text())
        assert aliases == expected
    assert list_versions(tmp_path, "daily-ridge") == [1, 2, 3]
