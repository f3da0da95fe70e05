"""Intervals of fitted quantiles: trained, packaged, served, and the native model's in every RPC."""

import asyncio
import contextlib
import hashlib
import io
import json
from collections.abc import AsyncIterator, Iterator
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
from tickcast_modelkit.features import CORE
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import read_package
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import bar_messages, start_local
from tickcast_trainer.backtest.model import load_model
from tickcast_trainer.cli import main
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.estimators import FittedModel, make_estimator
from tickcast_trainer.estimators.quantiles import FittedTails
from tickcast_trainer.export import export
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import EstimatorName, load_settings
from tickcast_trainer.tails import train_tails
from tickcast_trainer.walkforward import expanding_folds

NAMES: tuple[EstimatorName, ...] = ("ridge", "lightgbm")
TOLERANCE = 1e-6
"""Of a log return, on intervals of 7%: what float32 rounds."""

QUIET = ProgressLines(Console(quiet=True))
SERIES = [
    random_walk_bars(1200, symbol=symbol, seed=seed) for seed, symbol in enumerate(("ACME", "BETA"))
]


@dataclass(frozen=True)
class Native:
    """A model and its tails, fitted again."""

    model: FittedModel
    tails: FittedTails

    def intervals(
        self, features: NDArray[np.float32]
    ) -> Iterator[tuple[float, tuple[float, float]]]:
        """Yield what it says of each row (n, F): the prediction, and the ends around it."""
        prediction = self.model.predict(features)
        for value, (lower, upper) in zip(
            prediction, self.tails.ends(features, prediction), strict=True
        ):
            yield float(value), (float(lower), float(upper))


@dataclass(frozen=True)
class Trained:
    """A folder with packages, what the run said, and what the packages were made from."""

    folder: Path
    arguments: list[str]
    report: str
    dataset: Dataset

    def manifest(self, name: EstimatorName) -> Manifest:
        return read_package(self.folder / "models" / f"walk-{name}" / "1").manifest

    def native(self, name: EstimatorName) -> Native:
        """Fit the model of a package again, and see to it that it is the same."""
        settings, dataset = load_settings(self.arguments), self.dataset
        model = make_estimator(name, settings).fit(
            dataset.features, dataset.target, seed=settings.seed
        )
        folds = expanding_folds(dataset.as_of_time, dataset.target_time, count=settings.folds)
        trained = train_tails(settings, dataset, folds, progress=QUIET)
        manifest = self.manifest(name)
        graph = export(model, trained.fitted).graph
        assert hashlib.sha256(graph).hexdigest() == manifest.onnx_sha256
        assert manifest.tails == trained.described
        return Native(model, trained.fitted)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("bands")
    bars = folder / "bars"
    bars.mkdir()
    for one in SERIES:
        frame = pd.DataFrame(one.ohlcv, columns=["open", "high", "low", "close", "volume"])
        frame.assign(time=one.open_time).to_parquet(bars / f"{one.symbol}.parquet")
    arguments = ["--name", "walk", "--folds", "3", "--estimators", ",".join(NAMES)]
    arguments += ["--bands", "quantile", "--quantile.tail-rows", "5", "--lightgbm.penalty", "1"]
    arguments += ["--no-leak-check", "--source", "parquet", str(bars)]
    arguments += ["--models", str(folder / "models")]
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        assert main(arguments) == 0
    dataset = build_dataset(SERIES, feature_set=CORE, horizon=1, progress=QUIET)
    return Trained(folder=folder, arguments=arguments, report=report.getvalue(), dataset=dataset)


@pytest.fixture(scope="module")
async def channel(trained: Trained) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        start_local(trained.folder) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        yield channel


def assert_served(
    answer: prediction_pb2.Prediction, value: float, ends: tuple[float, float]
) -> None:
    found = answer.return_interval
    assert answer.predicted_return == pytest.approx(value, rel=0, abs=TOLERANCE)
    assert (found.lower, found.upper) == pytest.approx(ends, rel=0, abs=TOLERANCE)
    assert found.lower <= answer.predicted_return <= found.upper
    assert found.coverage == 0.9


def features_input(dataset: Dataset, row: int) -> pb.InlineFeatures:
    found = pb.InlineFeatures(values=dataset.features[row].tolist(), last_close=50.0)
    found.as_of_time.seconds = int(dataset.as_of_time[row])
    return found


@pytest.mark.parametrize("name", NAMES)
async def test_predict_and_batch_answer_with_the_native_interval(
    trained: Trained, channel: grpc.aio.Channel, name: EstimatorName
) -> None:
    rows = np.linspace(0, len(trained.dataset) - 1, 100).astype(int).tolist()
    expected = list(trained.native(name).intervals(trained.dataset.features[rows]))
    widths = {upper - lower for _, (lower, upper) in expected}
    assert len(widths) > 50
    stub, model = rpc.PredictionServiceStub(channel), f"models/walk-{name}"
    inputs = [features_input(trained.dataset, row) for row in rows]
    batch = await stub.BatchPredict(
        pb.BatchPredictRequest(
            model=model, items=[pb.BatchPredictItem(symbol="ACME", features=one) for one in inputs]
        )
    )
    for one, result, (value, ends) in zip(inputs, batch.results, expected, strict=True):
        request = pb.PredictRequest(model=model, symbol="ACME", features=one)
        for answer in ((await stub.Predict(request)).prediction, result.prediction):
            assert_served(answer, value, ends)
            price = answer.price_interval
            assert (price.lower, price.upper) == pytest.approx(50.0 * np.exp(ends), rel=1e-5)
            assert 0.0 < answer.direction_probability < 1.0


@pytest.mark.parametrize("name", NAMES)
async def test_a_stream_answers_with_the_native_interval(
    trained: Trained, channel: grpc.aio.Channel, name: EstimatorName
) -> None:
    symbol = f"S-{name}".upper()
    series = random_walk_bars(300, symbol=symbol, seed=9)
    dataset = build_dataset([series], feature_set=CORE, horizon=1, progress=QUIET)
    market = market_rpc.MarketDataServiceStub(channel)
    await market.IngestBars(market_pb.IngestBarsRequest(bars=bar_messages(series, 0, 280)))
    stream = rpc.PredictionServiceStub(channel).StreamPredictions(
        pb.StreamPredictionsRequest(model=f"models/walk-{name}", symbols=[symbol], snapshot=True)
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
    expected = trained.native(name).intervals(dataset.features[rows])
    for answer, (value, ends) in zip(found, expected, strict=True):
        assert_served(answer, value, ends)


async def test_the_largest_features_get_a_finite_interval(
    trained: Trained, channel: grpc.aio.Channel
) -> None:
    stub = rpc.PredictionServiceStub(channel)
    for value in (-np.finfo(np.float32).max, 0.0, np.finfo(np.float32).max):
        given = pb.InlineFeatures(values=[float(value)] * len(CORE.names))
        given.as_of_time.seconds = 86_400
        request = pb.PredictRequest(model="models/walk-ridge", symbol="ACME", features=given)
        answer = (await stub.Predict(request)).prediction
        found = answer.return_interval
        assert np.isfinite([found.lower, found.upper]).all()
        assert found.lower <= answer.predicted_return <= found.upper


def test_a_backtest_has_the_same_interval(trained: Trained) -> None:
    model = load_model(trained.folder / "models" / "walk-ridge" / "1")
    lower, upper = model.bounds(trained.dataset.features)
    native = [ends for _, ends in trained.native("ridge").intervals(trained.dataset.features)]
    assert np.abs(np.stack([lower, upper], axis=1) - np.array(native)).max() <= TOLERANCE


def test_the_page_beside_the_package_says_what_is_served(trained: Trained) -> None:
    page = trained.folder / "models" / "walk-ridge" / "reports" / "1.json"
    intervals = json.loads(page.read_text())["intervals"]
    assert (intervals["served"], list(intervals["held"])) == (
        "quantile",
        ["quantile", "split", "adaptive"],
    )


def test_the_report_shows_every_kind_on_the_same_rows(trained: Trained) -> None:
    lines = [line for line in trained.report.splitlines() if " intervals" in line]
    assert [line.split()[0] for line in lines] == ["quantile", "split", "adaptive"] * len(NAMES)
    assert all(" intervals, as served, held " in line for line in lines[::3])
    assert all(" would have held " in line for line in lines[1::3] + lines[2::3])
    assert all(", interval score " in line for line in lines)
    for name in NAMES:
        scores = {one.estimator: one for one in trained.manifest(name).evaluation.scores}
        coverage = scores[name].interval_coverage
        assert coverage == pytest.approx(0.9, abs=0.05)
        assert f"held {coverage:.1%} " in trained.report
