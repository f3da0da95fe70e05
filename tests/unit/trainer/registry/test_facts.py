"""What a registry is told of a model and of its rows."""

from dataclasses import replace

import numpy as np
from rich.console import Console
from tickcast_modelkit.features import CORE
from tickcast_modelkit.manifest import Direction, Tails
from tickcast_modelkit.testing import random_walk_bars, tiny_manifest
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.registry.dataset_facts import dataset_facts, digest
from tickcast_trainer.registry.facts import metrics, parameters, tags


def dataset(seed: int = 0) -> Dataset:
    return build_dataset(
        [random_walk_bars(100, symbol="AAPL", seed=seed)],
        feature_set=CORE,
        horizon=1,
        progress=ProgressLines(Console(quiet=True)),
    )


def test_scores_are_metrics_and_those_of_baselines_carry_their_name() -> None:
    found = metrics(tiny_manifest())
    assert found["rmse"] == found["zero/rmse"] == 0.02
    assert found["directional_accuracy"] == 0.51
    # What a baseline does not have is left out, as a metric must be a number.
    assert "zero/directional_accuracy" not in found


def test_a_classifiers_scores_are_metrics_beside_those_of_the_base_rate() -> None:
    direction = Direction(
        output_name="probability",
        brier_score=0.24,
        base_rate_brier_score=0.25,
        log_loss=0.68,
        base_rate_log_loss=0.69,
    )
    found = metrics(replace(tiny_manifest(), direction=direction))
    assert (found["brier_score"], found["base_rate_brier_score"]) == (0.24, 0.25)
    assert (found["log_loss"], found["base_rate_log_loss"]) == (0.68, 0.69)
    assert "brier_score" not in metrics(tiny_manifest())


def test_parameters_name_the_estimator_and_fit_the_registrys_limit() -> None:
    manifest = tiny_manifest()
    symbols = tuple(f"SYMBOL{number}" for number in range(1000))
    found = parameters(replace(manifest, training=replace(manifest.training, symbols=symbols)))
    assert found["ridge.alpha"] == "1.0"
    assert found["feature_set"] == CORE.id
    assert len(found["symbols"]) == 6_000
    assert found["bands"] == "split"


def test_parameters_of_quantiles_are_beside_those_of_the_estimator() -> None:
    tails = Tails(
        output_name="tails",
        lower_correction=0.0,
        upper_correction=0.0,
        scale_feature=None,
        calibration_rows=100,
        parameters={"trees": 150},
    )
    found = parameters(replace(tiny_manifest(), tails=tails))
    assert (found["bands"], found["quantile.trees"], found["ridge.alpha"]) == (
        "quantile",
        "150",
        "1.0",
    )


def test_the_verdict_is_a_tag() -> None:
    manifest = tiny_manifest()
    assert tags(manifest) == {
        "tickcast.verdict": manifest.evaluation.verdict,
        "tickcast.beats_baselines": "false",
        "tickcast.best_baseline": "zero",
    }


def test_a_dataset_is_named_by_its_rows() -> None:
    one = dataset()
    assert digest(one) == digest(dataset())
    assert len(digest(one)) <= 36
    assert digest(one) != digest(dataset(seed=1))
    assert digest(one) != digest(replace(one, target=np.nextafter(one.target, 1.0)))


def test_a_dataset_says_where_it_came_from() -> None:
    facts = dataset_facts(dataset(), source="csv", location="bars/")
    assert facts["source"] == '{"source": "csv", "location": "bars/"}'
    assert '"first_as_of_time": "2024-03-05T00:00:00Z"' in facts["profile"]
    assert '"rows": 36' in facts["profile"]
