"""Each item of a batch is answered as by itself, bit for bit, whatever the others are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast_modelkit.features import CORE, FeatureSet
from tickcast_modelkit.testing import write_tiny_package
from tickcast_server.errors import InvalidRequest, SymbolNotFound, TickcastError
from tickcast_server.observe.metrics import Metrics
from tickcast_server.rpc import decode, encode
from tickcast_server.rpc.batch import batch_response, read_batch
from tickcast_server.rpc.status import status_of
from tickcast_server.serving.batch_predictor import BatchPredictor
from tickcast_server.serving.batching import Batching, BatchLimit
from tickcast_server.serving.model import LoadedModel, load_model
from tickcast_server.serving.models import ModelEntry, Models, ModelVersion
from tickcast_server.serving.predictor import Predictor
from tickcast_server.serving.staleness import AgeLimit, Staleness
from tickcast_server.store.store import FeatureRow, SeriesKey
from tickcast_server.turn import Turn

from tests.conftest import linear_onnx

WIDTH = len(CORE.names)
NOW = 2e9
REQUEST_ID = "desk-42"


@dataclass
class HeldFeatures:
    """Features of the last bars of some symbols."""

    rows: dict[str, FeatureRow]
    stale: bool = False

    def cached_features(self, key: SeriesKey, feature_set: str) -> FeatureRow | None:
        return self.rows.get(key.symbol)

    async def features(
        self,
        key: SeriesKey,
        feature_set: FeatureSet,
        *,
        sequence: int | None = None,
        turn: Turn | None = None,
    ) -> tuple[FeatureRow, bool]:
        raise SymbolNotFound(key.symbol)

    async def features_of_many(
        self, places: Sequence[tuple[SeriesKey, int | None]], feature_set: FeatureSet, turn: Turn
    ) -> list[tuple[FeatureRow, bool] | TickcastError]:
        rows = [(key.symbol, self.rows.get(key.symbol)) for key, _ in places]
        return [(row, True) if row is not None else SymbolNotFound(name) for name, row in rows]


HELD = HeldFeatures(
    {
        symbol: FeatureRow(
            sequence=7,
            as_of_time=as_of_time,
            last_close=100.0,
            bars_used=256,
            values=np.full(WIDTH, as_of_time % 7, dtype=np.float32),
        )
        for symbol, as_of_time in (("A", 1_700_000_000), ("B", 1_699_999_999))
    }
)


@dataclass(frozen=True)
class Side:
    """A server's core: one by one, and in batches."""

    predictor: Predictor
    batches: BatchPredictor


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Side:
    # Of one feature alone, so that no order of summation tells one row from many.
    onnx = linear_onnx(np.eye(1, WIDTH, 1, dtype=np.float32)[0])
    session = ort.InferenceSession(onnx)

    def predict(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {"features": features})[0]).reshape(-1)

    package = write_tiny_package(tmp_path_factory.mktemp("models"), onnx=onnx, predict=predict)
    loaded = load_model(package.folder, feature_sets={CORE.id: CORE}, threads=1, now=0.0)
    models, metrics = catalogue(loaded), Metrics(stages=False)
    staleness = Staleness(AgeLimit(bars=1_000, refuse=False), {})
    return Side(
        Predictor(
            models,
            HELD,
            batching=Batching(BatchLimit(most=1, delay=0.0), {}, observer=metrics),
            staleness=staleness,
            observer=metrics,
            now=lambda: NOW,
        ),
        BatchPredictor(models, HELD, staleness=staleness, observer=metrics, now=lambda: NOW),
    )


def catalogue(model: LoadedModel) -> Models:
    version = ModelVersion(name=model.name, loaded=model, failure=None)
    models = Models()
    models.replace({"tiny": ModelEntry(name="tiny", versions={1: version}, aliases={}, default=1)})
    return models


numbers = st.floats(width=32) | st.floats(-1.0, 1.0, width=32)
closes = st.none() | st.floats() | st.floats(1.0, 1e6)


@st.composite
def features(draw: st.DrawFn) -> pb.InlineFeatures:
    width = draw(st.sampled_from([WIDTH, WIDTH, WIDTH, WIDTH, WIDTH - 1, 0]))
    values = np.full(width, draw(numbers), dtype="<f4")
    message = pb.InlineFeatures(last_close=draw(closes))
    if draw(st.booleans()) or draw(st.booleans()):
        message.packed_values = values.tobytes() + draw(st.sampled_from([b""] * 9 + [b"x"]))
    else:
        message.values.extend(values.tolist())
    if draw(st.integers(0, 9)):
        message.as_of_time.seconds = draw(st.sampled_from([0, 86_400, 1_700_000_000]))
    return message


@st.composite
def items(draw: st.DrawFn) -> pb.BatchPredictItem:
    item = pb.BatchPredictItem(
        symbol=draw(st.sampled_from(["A", "A", "B", "NOPE", "", "not a symbol"])),
        model=draw(st.sampled_from(["", "", "", "models/tiny", "models/none", "?"])),
        timeframe=draw(st.sampled_from(["", "", "", "1d", "5m"])),
    )
    if draw(st.integers(0, 3)):
        item.features.CopyFrom(draw(features()))
    return item


usual = st.builds(
    pb.BatchPredictItem,
    symbol=st.just("A"),
    features=st.builds(
        lambda value, close: pb.InlineFeatures(
            packed_values=np.full(WIDTH, value, dtype="<f4").tobytes(),
            as_of_time=Timestamp(seconds=86_400),
            last_close=close,
        ),
        st.floats(-1.0, 1.0, width=32),
        st.none() | st.floats(1.0, 1e6),
    ),
)


@given(st.lists(usual | items(), min_size=1, max_size=8))
def test_one_by_one_and_together(side: Side, asked: list[pb.BatchPredictItem]) -> None:
    request = pb.BatchPredictRequest(model="models/tiny", items=asked)
    response = asyncio.run(together(side, request))
    for place, (item, result) in enumerate(zip(asked, response.results, strict=True)):
        assert result == asyncio.run(alone(side, place, item))


async def together(side: Side, request: pb.BatchPredictRequest) -> pb.BatchPredictResponse:
    batch, wrong = read_batch(request)
    answer = await side.batches.predict(batch, Turn())
    return batch_response(answer, wrong, request_id=REQUEST_ID)


async def alone(side: Side, place: int, item: pb.BatchPredictItem) -> pb.BatchPredictResult:
    result = pb.BatchPredictResult()
    try:
        query = decode.predict_query(item, default_model="models/tiny")
        encode.write_prediction(await side.predictor.predict(query, Turn()), result.prediction)
    except TickcastError as error:
        result.error.CopyFrom(refusal(place, error))
    return result


def refusal(place: int, error: TickcastError) -> status_pb2.Status:
    if isinstance(error, InvalidRequest):
        error = error.under(f"items[{place}]")
    return status_of(error, request_id=REQUEST_ID)
