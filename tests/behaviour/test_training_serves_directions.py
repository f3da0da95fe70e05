"""Classifiers of rises: trained, packaged, served, and the native model's answer in every RPC."""

import asyncio
import contextlib
import hashlib
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from rich.console import Console
from tickcast.v1 import market_data_service_pb2 as market_pb
from tickcast.v1 import market_data_service_pb2_grpc as market_rpc
from tickcast.v1 import prediction_pb2
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import prediction_service_pb2_grpc as rpc
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import read_package
from tickcast_modelkit.testing import bars_of, random_walk_bars
from tickcast_server.testing import bar_messages, start_local
from tickcast_trainer.backtest.model import load_model
from tickcast_trainer.cli import main
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.estimators.direction import FittedDirection
from tickcast_trainer.export import export
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import EstimatorName, load_settings

NAMES: tuple[EstimatorName, ...] = ("logistic", "xgboost-direction")
RETURN_TOLERANCE, PROBABILITY_TOLERANCE = 1e-7, 1e-6
BANDS = {"logistic": "quantile", "xgboost-direction": "split"}

QUIET = ProgressLines(Console(quiet=True))


def trending_bars(n: int, *, symbol: str, seed: int) -> BarSeries:
    """Make daily bars that go on as they went in 73 of 100 cases."""
    random = np.random.default_rng(seed)
    moves = random.normal(0.0, 0.02, n)
    for bar in range(1, n):
        moves[bar] += 0.012 * np.sign(moves[bar - 1])
    close = 100.0 * np.exp(np.cumsum(moves))
    before = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(before, close) * 1.01, np.minimum(before, close) / 1.01
    volume = np.round(random.lognormal(10.0, 1.0, n))
    return bars_of(np.column_stack([before, high, low, close, volume]), symbol=symbol)


SYMBOLS = ("ACME", "BETA")
SERIES = [trending_bars(1200, symbol=symbol, seed=seed) for seed, symbol in enumerate(SYMBOLS)]
NOISE = [random_walk_bars(1200, symbol=symbol, seed=seed) for seed, symbol in enumerate(SYMBOLS)]


@dataclass(frozen=True)
class Trained:
    """A folder with packages, what the runs said, and what the packages were made from."""

    folder: Path
    arguments: list[str]
    reports: dict[str, str]
    dataset: Dataset

    def manifest(self, model: str) -> Manifest:
        return read_package(self.folder / "models" / model / "1").manifest

    def native(self, name: EstimatorName) -> FittedDirection:
        settings, dataset = load_settings(self.arguments), self.dataset
        model = make_estimator(name, settings).fit(
            dataset.features, dataset.target, seed=settings.seed
        )
        assert isinstance(model, FittedDirection)
        return model


def write(folder: Path, series: list[BarSeries]) -> str:
    folder.mkdir()
    for one in series:
        frame = pd.DataFrame(one.ohlcv, columns=["open", "high", "low", "close", "volume"])
        frame.assign(time=one.open_time).to_parquet(folder / f"{one.symbol}.parquet")
    return str(folder)


def train(arguments: list[str]) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(arguments) == 0
    return said.getvalue()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("directions")
    common = ["--folds", "3", "--logistic.alpha", "20", "--xgboost-direction.penalty", "5"]
    common += ["--no-leak-check", "--source", "parquet", "--models", str(folder / "models")]
    arguments = [*common, "--name", "trend", write(folder / "trend", SERIES)]
    reports = {
        name: train([*arguments, "--estimators", name, "--bands", bands])
        for name, bands in BANDS.items()
    }
    train([*common, "--name", "walk", "--estimators", ",".join(NAMES), write(folder / "n", NOISE)])
    dataset = build_dataset(SERIES, feature_set=CORE, horizon=1, progress=QUIET)
    return Trained(folder=folder, arguments=arguments, reports=reports, dataset=dataset)


@pytest.fixture(scope="module")
async def channel(trained: Trained) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        start_local(trained.folder) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        yield channel


def assert_served(
    answers: list[prediction_pb2.Prediction], model: FittedDirection, features: NDArray[np.float32]
) -> None:
    returns = [answer.predicted_return for answer in answers]
    chances = [answer.direction_probability for answer in answers]
    assert returns == pytest.approx(model.predict(features).tolist(), rel=0, abs=RETURN_TOLERANCE)
    expected = model.probability(features).tolist()
    assert chances == pytest.approx(expected, rel=0, abs=PROBABILITY_TOLERANCE)
    for answer in answers:
        assert answer.return_interval.lower < answer.predicted_return < answer.return_interval.upper


@pytest.mark.parametrize("name", NAMES)
async def test_predict_and_batch_answer_with_the_native_probability(
    trained: Trained, channel: grpc.aio.Channel, name: EstimatorName
) -> None:
    model = trained.native(name)
    rows = np.linspace(0, len(trained.dataset) - 1, 100).astype(int)
    features = trained.dataset.features[rows]
    assert len(np.unique(model.probability(features))) > 20
    inputs = []
    for row in rows.tolist():
        one = pb.InlineFeatures(values=trained.dataset.features[row].tolist())
        one.as_of_time.seconds = int(trained.dataset.as_of_time[row])
        inputs.append(one)
    stub, resource = rpc.PredictionServiceStub(channel), f"models/trend-{name}"
    single = [
        (await stub.Predict(pb.PredictRequest(model=resource, symbol="ACME", features=one)))
        for one in inputs
    ]
    assert_served([one.prediction for one in single], model, features)
    items = [pb.BatchPredictItem(symbol="ACME", features=one) for one in inputs]
    batch = await stub.BatchPredict(pb.BatchPredictRequest(model=resource, items=items))
    assert_served([one.prediction for one in batch.results], model, features)


@pytest.mark.parametrize("name", NAMES)
async def test_a_stream_answers_with_the_native_probability(
    trained: Trained, channel: grpc.aio.Channel, name: EstimatorName
) -> None:
    symbol = f"S-{name}".upper()
    series = trending_bars(300, symbol=symbol, seed=9)
    dataset = build_dataset([series], feature_set=CORE, horizon=1, progress=QUIET)
    market = market_rpc.MarketDataServiceStub(channel)
    await market.IngestBars(market_pb.IngestBarsRequest(bars=bar_messages(series, 0, 280)))
    stream = rpc.PredictionServiceStub(channel).StreamPredictions(
        pb.StreamPredictionsRequest(model=f"models/trend-{name}", symbols=[symbol], snapshot=True)
    )
    found: list[prediction_pb2.Prediction] = []
    async with asyncio.timeout(20):
        async for event in stream:
            if event.HasField("started"):
                request = market_pb.IngestBarsRequest(bars=bar_messages(series, 280, 299))
                await market.IngestBars(request)
            if event.HasField("prediction"):
                found.append(event.prediction)
            if len(found) == 20:
                break
    stream.cancel()
    place = {int(time): row for row, time in enumerate(dataset.as_of_time)}
    rows = [place[answer.as_of_time.seconds] for answer in found]
    assert len(set(rows)) == 20
    assert_served(found, trained.native(name), dataset.features[rows])


def test_the_graph_is_that_of_the_native_model(trained: Trained) -> None:
    graph = export(trained.native("xgboost-direction")).graph
    manifest = trained.manifest("trend-xgboost-direction")
    assert hashlib.sha256(graph).hexdigest() == manifest.onnx_sha256


@pytest.mark.parametrize("name", NAMES)
def test_a_backtest_has_the_same_probability(trained: Trained, name: EstimatorName) -> None:
    model = load_model(trained.folder / "models" / f"trend-{name}" / "1")
    features = trained.dataset.features
    difference = model.probability(features) - trained.native(name).probability(features)
    assert np.abs(difference).max() <= PROBABILITY_TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_a_random_walk_is_said_to_be_no_better_than_the_base_rate(
    trained: Trained, name: EstimatorName
) -> None:
    manifest = trained.manifest(f"walk-{name}")
    direction = manifest.direction
    assert direction is not None
    assert 0.245 < direction.base_rate_brier_score < 0.255
    assert direction.brier_score > direction.base_rate_brier_score - 0.002
    assert "Its probability of a rise does not beat the base rate" in manifest.evaluation.verdict


@pytest.mark.parametrize("name", NAMES)
def test_a_trend_is_said_to_be_known_with_the_figures(
    trained: Trained, name: EstimatorName
) -> None:
    manifest, report = trained.manifest(f"trend-{name}"), trained.reports[name]
    direction = manifest.direction
    assert direction is not None
    # Chances of 27% and 73% err by 0.199 at best, even ones by 0.25.
    assert 0.19 < direction.brier_score < 0.235
    assert direction.log_loss < direction.base_rate_log_loss
    figures = f"(Brier {direction.brier_score:.5f} against {direction.base_rate_brier_score:.5f}"
    said = f"Its probability of a rise beats the base rate {figures}"
    assert said in manifest.evaluation.verdict
    assert said in report
    assert re.search("fifth of rows with the least it said [23].*the greatest [67]", report)
