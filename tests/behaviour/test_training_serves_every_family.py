"""Whatever the family, a server answers what the fitted model says, within a stated tolerance."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import get_args

import grpc
import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import prediction_service_pb2_grpc as rpc
from tickcast_modelkit.features import CORE
from tickcast_modelkit.package import read_package
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import bar_messages, start_local
from tickcast_trainer.cli import main
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.estimators import FittedModel, make_estimator
from tickcast_trainer.export import export
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import EstimatorName, TrainSettings, load_settings

NAMES: tuple[EstimatorName, ...] = get_args(EstimatorName)
TOLERANCE = 5e-8
"""Of a log return: a two-thousandth of a basis point."""

SERIES = [
    random_walk_bars(1200, symbol=symbol, seed=seed) for seed, symbol in enumerate(("ACME", "BETA"))
]


@dataclass(frozen=True)
class Served:
    """Packages of every family, a server that holds them, and what they were trained on."""

    settings: TrainSettings
    dataset: Dataset
    channel: grpc.aio.Channel

    def fit(self, name: EstimatorName) -> FittedModel:
        """Fit the model of a package again, and see to it that it is the same."""
        estimator = make_estimator(name, self.settings)
        model = estimator.fit(self.dataset.features, self.dataset.target, seed=self.settings.seed)
        manifest = read_package(self.settings.models / f"walk-{name}" / "1").manifest
        assert hashlib.sha256(export(model).graph).hexdigest() == manifest.onnx_sha256
        assert manifest.training.parameters == estimator.parameters
        return model


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("families")
    bars = folder / "bars"
    bars.mkdir()
    for one in SERIES:
        frame = pd.DataFrame(one.ohlcv, columns=["open", "high", "low", "close", "volume"])
        frame.assign(time=one.open_time).to_parquet(bars / f"{one.symbol}.parquet")
    arguments = ["--name", "walk", "--folds", "2", "--estimators", ",".join(NAMES)]
    arguments += ["--extra-trees.trees", "50", "--extra-trees.minimum-leaf-rows", "20"]
    arguments += ["--lightgbm.penalty", "1", "--mlp.penalty", "0.1", "--mlp.rounds", "50"]
    arguments += ["--models", str(folder / "models"), "--source", "parquet", str(bars)]
    assert main(arguments) == 0
    dataset = build_dataset(
        SERIES, feature_set=CORE, horizon=1, progress=ProgressLines(Console(quiet=True))
    )
    async with (
        start_local(folder) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        yield Served(settings=load_settings(arguments), dataset=dataset, channel=channel)


@pytest.mark.parametrize("name", NAMES)
async def test_features_of_the_past_get_the_native_answer(
    served: Served, name: EstimatorName
) -> None:
    rows = np.linspace(0, len(served.dataset) - 1, 150).astype(int)
    native = served.fit(name).predict(served.dataset.features[rows])
    assert len(np.unique(native)) > 20
    stub = rpc.PredictionServiceStub(served.channel)
    for row, expected in zip(rows, native, strict=True):
        request = pb.PredictRequest(model=f"models/walk-{name}", symbol="ACME")
        request.features.values.extend(served.dataset.features[row].tolist())
        request.features.as_of_time.seconds = int(served.dataset.as_of_time[row])
        answer = (await stub.Predict(request)).prediction
        assert answer.predicted_return == pytest.approx(float(expected), rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
async def test_bars_get_the_native_answer_to_their_last_row(
    served: Served, name: EstimatorName
) -> None:
    model = served.fit(name)
    stub = rpc.PredictionServiceStub(served.channel)
    for index, series in enumerate(SERIES):
        last = np.flatnonzero(served.dataset.series_index == index)[-1]
        # The last bar has no target yet, and so no row.
        stop = int(served.dataset.bar[last]) + 1
        request = pb.PredictRequest(model=f"models/walk-{name}", symbol=series.symbol)
        request.bars.bars.extend(bar_messages(series, stop - CORE.window, stop))
        answer = (await stub.Predict(request)).prediction
        (expected,) = model.predict(served.dataset.features[[last]])
        assert answer.predicted_return == pytest.approx(float(expected), rel=0, abs=TOLERANCE)
        interval = answer.return_interval
        assert interval.lower < answer.predicted_return < interval.upper


@pytest.mark.parametrize("name", NAMES)
async def test_the_largest_features_get_a_finite_answer(
    served: Served, name: EstimatorName
) -> None:
    model = served.fit(name)
    stub = rpc.PredictionServiceStub(served.channel)
    largest = float(np.finfo(np.float32).max)
    for value in (-largest, 0.0, largest):
        request = pb.PredictRequest(model=f"models/walk-{name}", symbol="ACME")
        request.features.values.extend([value] * len(CORE.names))
        request.features.as_of_time.seconds = 86_400
        answer = (await stub.Predict(request)).prediction
        row = np.full((1, len(CORE.names)), value, dtype=np.float32)
        (expected,) = model.predict(row)
        assert answer.predicted_return == pytest.approx(float(expected), rel=0, abs=TOLERANCE)
