"""A feature set of the user's own trains a model; servers compute it, or say what they lack."""

from __future__ import annotations

from pathlib import Path

import pytest
from tickcast import AsyncClient, ModelVersionNotReady, ModelVersionState
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import start_local
from tickcast_trainer.backtest.cli import main as backtest_main
from tickcast_trainer.cli import main as train_main

from tests.sdk_bars import sdk_bars

SERIES = random_walk_bars(90, symbol="AAPL")

OF_MODELKIT = """
from tickcast_modelkit.features import Feature, FeatureSet
from tickcast_modelkit.features.returns import log_return

SHORT = FeatureSet(
    name="short", window=300, minimum_bars=16,
    features=tuple(Feature(f"return_{n}", log_return, {"span": n}) for n in (1, 2, 4, 8)),
)
"""

OF_ITS_OWN = """
import numpy as np
from tickcast_modelkit.features import CORE, Feature, FeatureSet

def range_share(bars, *, span):
    top = bars.high[:, -span:].max(axis=1)
    bottom = bars.low[:, -span:].min(axis=1)
    return np.log(top / bottom)

MINE = FeatureSet(
    name="mine", window=256, minimum_bars=64,
    features=(*CORE.features, Feature("range_10", range_share, {"span": 10})),
)
"""

IN_CURRENCY = OF_ITS_OWN.replace("return np.log(top / bottom)", "return top - bottom")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my_features.py"


def train(folder: Path, file: Path, text: str, *arguments: str) -> int:
    file.write_text(text)
    return train_main(
        [
            *("--name", "own", "--estimators", "ridge", "--folds", "2", "--no-leak-check"),
            *("--until", "2003-01-01", "--features", str(file), "--models", str(folder / "models")),
            *arguments,
        ]
    )


async def test_a_set_of_modelkits_functions_needs_no_file_on_the_server(
    tmp_path: Path, file: Path
) -> None:
    assert train(tmp_path, file, OF_MODELKIT) == 0
    async with start_local(tmp_path) as app, AsyncClient(app.address) as client:
        await client.ingest_bars(sdk_bars(SERIES))
        prediction = await client.predict("AAPL", model="models/own-ridge")
        assert prediction.feature_set.startswith("featureSets/short-")
        known = {item.name for item in await client.list_feature_sets()}
        assert prediction.feature_set in known
        vector = await client.get_features("AAPL", "1d", feature_set=prediction.feature_set)
        assert vector.names == ("return_1", "return_2", "return_4", "return_8")


async def test_a_set_with_functions_of_its_own_is_refused_by_name_until_the_file_is_given(
    tmp_path: Path, file: Path
) -> None:
    assert train(tmp_path, file, OF_ITS_OWN) == 0
    async with start_local(tmp_path) as app, AsyncClient(app.address) as client:
        await client.ingest_bars(sdk_bars(SERIES))
        version = await client.get_model_version("models/own-ridge/versions/1")
        assert version.state is ModelVersionState.FAILED
        assert "TICKCAST_FEATURES" in str(version.failure)
        with pytest.raises(ModelVersionNotReady, match="feature set mine"):
            await client.predict("AAPL", model="models/own-ridge/versions/1")
    async with (
        start_local(tmp_path, features=[file]) as app,
        AsyncClient(app.address) as client,
    ):
        prediction = await client.predict("AAPL", model="models/own-ridge")
        assert prediction.feature_set.startswith("featureSets/mine-")
        vector = await client.get_features("AAPL", "1d", feature_set=prediction.feature_set)
        assert vector.names[-1] == "range_10"


def test_a_model_of_such_a_set_is_backtested_with_its_file(tmp_path: Path, file: Path) -> None:
    assert train(tmp_path, file, OF_ITS_OWN) == 0
    package = str(tmp_path / "models" / "own-ridge" / "1")
    arguments = ["--strategy", "model", "--model-package", package, "--start", "2012-01-01"]
    assert backtest_main(arguments) == 2
    assert backtest_main([*arguments, "--features", str(file)]) == 0


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (IN_CURRENCY, [], "feature_set: mine breaks the promise"),
        (OF_ITS_OWN, ["--feature-set", "yours"], "feature_set: was 'yours', needed one of mine"),
        (OF_ITS_OWN + OF_MODELKIT, [], "feature_set: was '', needed one of mine, short"),
        ("def (", [], "my_features.py: failed with SyntaxError"),
        (OF_ITS_OWN.replace("bars.high", "bars.highest"), [], "failed with AttributeError"),
    ],
)
def test_a_set_that_cannot_be_trained_on_is_named_and_nothing_is_written(
    tmp_path: Path,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    arguments: list[str],
    said: str,
) -> None:
    assert train(tmp_path, file, text, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list((tmp_path / "models").rglob("manifest.json"))
