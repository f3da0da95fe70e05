"""From messages of the contract to plain values."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from google.protobuf import timestamp_pb2

from tickcast._errors import TickcastError
from tickcast._events import (
    BarEvent,
    Gap,
    GapReason,
    Heartbeat,
    PredictionEvent,
    PredictionStreamEvent,
    PriceStreamEvent,
    Refusal,
    StreamStart,
    StreamStarted,
    StreamStartMode,
)
from tickcast._ingest import IngestResult
from tickcast._models import Model, ModelVersion, ModelVersionState, Score, TrainingData
from tickcast._status import from_status
from tickcast._types import (
    Bar,
    Feature,
    FeatureProvenance,
    FeatureSet,
    FeatureSource,
    FeatureVector,
    Interval,
    Prediction,
    PredictionMatrix,
    StreamPosition,
    SymbolSummary,
)
from tickcast.v1 import (
    bar_pb2,
    feature_set_pb2,
    market_data_service_pb2,
    model_pb2,
    prediction_pb2,
    prediction_service_pb2,
    stream_pb2,
)

_Choice = TypeVar("_Choice", bound=StrEnum)


class UnknownEvent(Exception):
    """An event of a kind that this client does not know: one of a newer contract."""


def bar(message: bar_pb2.Bar) -> Bar:
    """A bar."""
    return Bar(
        symbol=message.symbol,
        timeframe=message.timeframe,
        open_time=instant(message.open_time),
        close_time=instant(message.close_time),
        open=message.open,
        high=message.high,
        low=message.low,
        close=message.close,
        volume=message.volume,
    )


def prediction(message: prediction_pb2.Prediction) -> Prediction:
    """A prediction."""
    return Prediction(
        symbol=message.symbol,
        timeframe=message.timeframe,
        as_of_time=instant(message.as_of_time),
        target_time=instant(message.target_time),
        horizon_bars=message.horizon_bars,
        last_close=message.last_close or None,
        predicted_return=message.predicted_return,
        predicted_price=(message.predicted_price if message.HasField("predicted_price") else None),
        return_interval=(
            _interval(message.return_interval) if message.HasField("return_interval") else None
        ),
        price_interval=(
            _interval(message.price_interval) if message.HasField("price_interval") else None
        ),
        direction_probability=(
            message.direction_probability if message.HasField("direction_probability") else None
        ),
        model_version=message.model_version,
        feature_set=message.feature_set,
        feature_provenance=_provenance(message.feature_provenance),
    )


def batch_result(
    message: prediction_service_pb2.BatchPredictResult, *, offset: int
) -> Prediction | TickcastError:
    """The outcome of one item of a batch."""
    if message.HasField("error"):
        return from_status(message.error, repeated="items", offset=offset)
    return prediction(message.prediction)


def ingest_result(message: market_data_service_pb2.IngestBarResult, *, offset: int) -> IngestResult:
    """What became of one bar."""
    if message.HasField("error"):
        error = from_status(message.error, repeated="bars", offset=offset)
        return IngestResult(position=None, duplicate=False, error=error)
    return IngestResult(
        position=position(message.stored.position), duplicate=message.stored.duplicate, error=None
    )


def symbol_summary(message: market_data_service_pb2.SymbolSummary) -> SymbolSummary:
    """What is held of one symbol."""
    return SymbolSummary(
        symbol=message.symbol,
        timeframe=message.timeframe,
        bars=message.bars,
        first_open_time=instant(message.first_open_time),
        last_close_time=instant(message.last_close_time),
        position=position(message.position),
    )


def feature_vector(message: feature_set_pb2.FeatureVector) -> FeatureVector:
    """The features of one symbol."""
    return FeatureVector(
        symbol=message.symbol,
        timeframe=message.timeframe,
        feature_set=message.feature_set,
        as_of_time=instant(message.as_of_time),
        names=tuple(message.names),
        values=tuple(message.values),
        last_close=message.last_close,
        provenance=_provenance(message.provenance),
    )


def feature_set(message: feature_set_pb2.FeatureSet) -> FeatureSet:
    """A feature set."""
    return FeatureSet(
        name=message.name,
        window_bars=message.window_bars,
        minimum_bars=message.minimum_bars,
        features=tuple(
            Feature(
                name=item.name, function=item.function, parameters=dict(item.parameters.items())
            )
            for item in message.features
        ),
        universe=tuple(message.universe),
        minimum_share=message.minimum_share,
    )


def model(message: model_pb2.Model) -> Model:
    """A model."""
    return Model(
        name=message.name,
        aliases={item.alias: item.version for item in message.aliases},
        default_version=message.default_version or None,
        newest_version=message.newest_version,
    )


def model_version(message: model_pb2.ModelVersion) -> ModelVersion:
    """A version of a model."""
    return ModelVersion(
        name=message.name,
        state=_choice(ModelVersionState, model_pb2.ModelVersionState, message.state),
        failure=from_status(message.failure) if message.HasField("failure") else None,
        estimator=message.estimator,
        target=message.target,
        timeframe=message.timeframe,
        horizon_bars=message.horizon_bars,
        feature_set=message.feature_set,
        training_data=(
            _training_data(message.training_data) if message.HasField("training_data") else None
        ),
        scores=tuple(_score(item) for item in message.scores),
        beats_baselines=message.beats_baselines,
        verdict=message.verdict,
        interval_coverage=message.interval_coverage or None,
        onnx_sha256=message.onnx_sha256,
        create_time=instant(message.create_time) if message.HasField("create_time") else None,
        load_time=instant(message.load_time) if message.HasField("load_time") else None,
    )


def price_event(message: market_data_service_pb2.StreamPricesResponse) -> PriceStreamEvent:
    """An event of a stream of prices. Raises `UnknownEvent`."""
    match message.WhichOneof("event"):
        case "started":
            return _started(message.started)
        case "bar":
            return BarEvent(bar=bar(message.bar), position=position(message.position))
        case "gap":
            return _gap(message.gap, message.position)
        case "heartbeat":
            return _heartbeat(message.heartbeat)
        case "batch" | None:
            raise UnknownEvent


def prediction_event(
    message: prediction_service_pb2.StreamPredictionsResponse,
) -> PredictionStreamEvent:
    """An event of a stream of predictions. Raises `UnknownEvent`."""
    match message.WhichOneof("event"):
        case "started":
            return _started(message.started)
        case "prediction":
            return PredictionEvent(
                prediction=prediction(message.prediction), position=position(message.position)
            )
        case "refusal":
            return Refusal(
                symbol=message.refusal.symbol,
                error=from_status(message.refusal.error),
                position=position(message.position),
            )
        case "gap":
            return _gap(message.gap, message.position)
        case "heartbeat":
            return _heartbeat(message.heartbeat)
        case "batch" | None:
            raise UnknownEvent


def prediction_matrix(
    message: prediction_service_pb2.PredictMatrixResponse,
) -> PredictionMatrix:
    """Predictions of many rows."""
    rises = message.packed_direction_probabilities
    return PredictionMatrix(
        model_version=message.model_version,
        feature_set=message.feature_set,
        timeframe=message.timeframe,
        as_of_time=instant(message.as_of_time),
        target_time=instant(message.target_time),
        horizon_bars=message.horizon_bars,
        interval_coverage=message.interval_coverage,
        predicted_returns=_doubles(message.packed_predicted_returns),
        lower_returns=_doubles(message.packed_lower_returns),
        upper_returns=_doubles(message.packed_upper_returns),
        direction_probabilities=_doubles(rises) if rises else None,
    )


def _doubles(packed: bytes) -> array[float]:
    values = array("d", packed)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def position(message: stream_pb2.StreamPosition) -> StreamPosition:
    """A place in a stream."""
    return StreamPosition(
        symbol=message.symbol,
        timeframe=message.timeframe,
        epoch=message.epoch,
        sequence=message.sequence,
    )


def instant(message: timestamp_pb2.Timestamp) -> datetime:
    """An instant, in UTC."""
    return message.ToDatetime(tzinfo=UTC)


def _started(message: stream_pb2.StreamStarted) -> StreamStarted:
    return StreamStarted(
        starts=tuple(
            StreamStart(
                position=position(item.position),
                mode=_choice(StreamStartMode, stream_pb2.StreamStartMode, item.mode),
            )
            for item in message.starts
        ),
        symbols_without_bars=tuple(message.symbols_without_bars),
    )


def _gap(message: stream_pb2.StreamGap, at: stream_pb2.StreamPosition) -> Gap:
    return Gap(
        symbol=message.symbol,
        timeframe=message.timeframe,
        from_sequence=message.from_sequence,
        to_sequence=message.to_sequence,
        reason=_choice(GapReason, stream_pb2.StreamGapReason, message.reason),
        position=position(at),
    )


def _heartbeat(message: stream_pb2.StreamHeartbeat) -> Heartbeat:
    return Heartbeat(
        server_time=instant(message.server_time), positions=_positions(message.positions)
    )


def _positions(messages: Iterable[stream_pb2.StreamPosition]) -> tuple[StreamPosition, ...]:
    return tuple(position(message) for message in messages)


def _interval(message: prediction_pb2.Interval) -> Interval:
    return Interval(lower=message.lower, upper=message.upper, coverage=message.coverage)


def _provenance(message: prediction_pb2.FeatureProvenance) -> FeatureProvenance:
    return FeatureProvenance(
        source=_choice(FeatureSource, prediction_pb2.FeatureSource, message.source),
        age=message.age.ToTimedelta(),
        stale=message.stale,
        bars_used=message.bars_used,
        outdated=message.outdated,
    )


def _training_data(message: model_pb2.TrainingData) -> TrainingData:
    return TrainingData(
        symbols=tuple(message.symbols),
        start_time=instant(message.start_time),
        end_time=instant(message.end_time),
        rows=message.rows,
    )


def _score(message: model_pb2.Score) -> Score:
    given = {field.name: value for field, value in message.ListFields()}
    return Score(
        estimator=message.estimator,
        baseline=message.baseline,
        rmse=message.rmse,
        r2_vs_zero=message.r2_vs_zero,
        information_coefficient=given.get("information_coefficient"),
        directional_accuracy=given.get("directional_accuracy"),
        directional_accuracy_low=given.get("directional_accuracy_low"),
        directional_accuracy_high=given.get("directional_accuracy_high"),
        interval_coverage=given.get("interval_coverage"),
        rows=message.rows,
    )


def _choice(kind: type[_Choice], contract: Any, number: int) -> _Choice:
    """The value of `kind` that has the name of the contract's; UNKNOWN when there is none."""
    # Every enum of the contract has its own name before those of its values.
    prefix = contract.Name(0).removesuffix("UNSPECIFIED")
    try:
        return kind[contract.Name(number).removeprefix(prefix)]
    except (ValueError, KeyError):
        return kind["UNKNOWN"]
