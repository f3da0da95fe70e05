"""What a run looks at in every model, and how plainly the report says it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from tickcast_modelkit.features import CORE
from tickcast_modelkit.package import read_package
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.cli import main
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.evaluation import Evaluator
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.validation.examination import Examination, examine
from tickcast_trainer.validation.nested import choose_estimators
from tickcast_trainer.validation.paths import SCHEME
from tickcast_trainer.validation.sentences import examination_sentences
from tickcast_trainer.walkforward import expanding_folds

QUIET = ProgressLines(Console(quiet=True))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    series = [random_walk_bars(900, symbol=symbol, seed=seed) for seed, symbol in enumerate("AB")]
    return build_dataset(series, feature_set=CORE, horizon=1, progress=QUIET)


def run(dataset: Dataset, settings: TrainSettings) -> tuple[Examination, list[str]]:
    folds = expanding_folds(dataset.as_of_time, dataset.target_time, count=4)
    evaluator = Evaluator(dataset, folds, coverage=0.9)
    chosen = choose_estimators("ridge", settings, dataset, folds, progress=QUIET)
    forecast = evaluator.walk_forward_each("ridge", chosen.folds, seed=7, progress=QUIET)
    found = examine("ridge", settings, evaluator, chosen, forecast, progress=QUIET)
    return found, examination_sentences(evaluator.compare(forecast), found)


def test_without_settings_leaks_are_looked_for_and_nothing_is_searched(dataset: Dataset) -> None:
    found, said = run(dataset, TrainSettings(name="plain"))
    assert len(found.leaks.findings) == 4
    assert found.paths is None
    assert found.searches == ()
    assert said[0] == "leaks: clean: none of 4 checks found a leak"
    assert "squared error" in said[1]
    assert said[2].startswith("split intervals, as served, held ")
    assert said[3].startswith("adaptive intervals would have held ")
    assert len(said) == 4


def test_paths_and_searches_are_made_when_asked_for(dataset: Dataset) -> None:
    settings = TrainSettings.model_validate(
        {"name": "all", "paths": True, "search": {"trials": 3}, "leak_check": False}
    )
    found, said = run(dataset, settings)
    assert found.leaks.lagged is None
    assert found.paths is not None
    assert len(found.paths.r2) == SCHEME.paths
    assert list(found.paths.r2) == sorted(found.paths.r2)
    # One for each fold, and one for the model that is kept.
    assert [one.trials for one in found.searches] == [3] * 5
    assert said[-2].endswith("these also train on what came after")
    assert said[-1].startswith("searched 15 times in 5 searches")
    assert "alpha" in said[-1]


def test_each_fold_is_fitted_with_what_its_own_search_found(dataset: Dataset) -> None:
    settings = TrainSettings.model_validate({"name": "searched", "search": {"trials": 5}})
    folds = expanding_folds(dataset.as_of_time, dataset.target_time, count=4)
    chosen = choose_estimators("ridge", settings, dataset, folds, progress=QUIET)
    kept = [estimator.parameters for estimator in (*chosen.folds, chosen.final)]
    assert kept == [found.parameters for found in chosen.searches]


def test_an_ensemble_has_nothing_to_search(dataset: Dataset) -> None:
    settings = TrainSettings.model_validate({"name": "mean", "search": {"trials": 5}})
    folds = expanding_folds(dataset.as_of_time, dataset.target_time, count=4)
    assert choose_estimators("average", settings, dataset, folds, progress=QUIET).searches == ()


def test_a_suspicion_is_left_to_the_verdict(dataset: Dataset) -> None:
    features = dataset.features.copy()
    features[:, 0] = dataset.target
    found, said = run(replace(dataset, features=features), TrainSettings(name="leaks"))
    assert found.leaks.is_suspect
    assert not any(sentence.startswith("leaks: ") for sentence in said)


def test_terminal_and_package_say_that_a_model_is_suspect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Volume tells the next bar's move, as in a file whose rows were put together wrongly.
    bars = random_walk_bars(1200, seed=3)
    moves = np.append(np.diff(np.log(bars.ohlcv[:, 3])), 0.0)
    frame = pd.DataFrame(bars.ohlcv, columns=["open", "high", "low", "close", "volume"])
    frame["volume"] = np.exp(10.0 + 20.0 * moves)
    frame.assign(time=bars.open_time).to_parquet(tmp_path / "ACME.parquet")
    models = ["--models", str(tmp_path / "models"), "--source", "parquet", str(tmp_path)]
    ridge = ["--estimators", "ridge", "--ridge.alpha", "10", "--folds", "4"]
    assert main(["--name", "m", *ridge, *models]) == 0
    report = capsys.readouterr().out
    assert "Not to be believed, as it is suspect: far better than real markets allow" in report
    assert "gone within one bar" in report
    assert "take it for a leak until proven otherwise" in report
    verdict = read_package(tmp_path / "models" / "m-ridge" / "1").manifest.evaluation.verdict
    assert verdict.startswith("Not to be believed, as it is suspect")
    assert verdict in report


def test_several_models_are_told_what_their_number_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = random_walk_bars(900)
    frame = pd.DataFrame(bars.ohlcv, columns=["open", "high", "low", "close", "volume"])
    frame.assign(time=bars.open_time).to_parquet(tmp_path / "ACME.parquet")
    arguments = ["--name", "m", "--estimators", "ridge,elastic-net", "--folds", "3"]
    arguments += ["--split", "rolling", "--no-leak-check", "--source", "parquet", str(tmp_path)]
    assert main([*arguments, "--models", str(tmp_path / "models")]) == 0
    report = capsys.readouterr().out
    assert "2 models were compared, so that p is, after Holm: ridge " in report
    assert "not looked for by fitting again" in report
