"""Domain values to messages."""

from __future__ import annotations

import numpy as np
from google.protobuf import duration_pb2, timestamp_pb2
from numpy.typing import NDArray
from tickcast.v1 import (
    bar_pb2,
    feature_set_pb2,
    model_pb2,
    prediction_pb2,
    prediction_service_pb2,
    stream_pb2,
)
from tickcast_modelkit.features import FeatureSet
from tickcast_modelkit.manifest import Manifest, Score

from tickcast_server.errors import ModelVersionNotReady
from tickcast_server.feeds.stream import Gap, GapReason, Heartbeat, Position, Started, StartMode
from tickcast_server.rpc.status import status_of
from tickcast_server.serving.matrix import MatrixPrediction
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import ModelEntry, ModelVersion
from tickcast_server.serving.predictor import FeatureSource, Prediction
from tickcast_server.store.store import BarRow, FeatureRow, SeriesKey

_SOURCES = {
    FeatureSource.CACHE: prediction_pb2.FEATURE_SOURCE_CACHE,
    FeatureSource.RECOMPUTED: prediction_pb2.FEATURE_SOURCE_RECOMPUTED,
    FeatureSource.REQUEST_FEATURES: prediction_pb2.FEATURE_SOURCE_REQUEST_FEATURES,
    FeatureSource.REQUEST_BARS: prediction_pb2.FEATURE_SOURCE_REQUEST_BARS,
}
_START_MODES = {
    StartMode.LIVE: stream_pb2.STREAM_START_MODE_LIVE,
    StartMode.RESUMED: stream_pb2.STREAM_START_MODE_RESUMED,
    StartMode.SNAPSHOT: stream_pb2.STREAM_START_MODE_SNAPSHOT,
}
_GAP_REASONS = {
    GapReason.CONFLATED: stream_pb2.STREAM_GAP_REASON_CONFLATED,
    GapReason.EPOCH_CHANGED: stream_pb2.STREAM_GAP_REASON_EPOCH_CHANGED,
}


def timestamp(seconds: float) -> timestamp_pb2.Timestamp:
    """An instant from seconds since the epoch."""
    whole = int(seconds // 1)
    return timestamp_pb2.Timestamp(seconds=whole, nanos=int((seconds - whole) * 1e9))


def write_prediction(value: Prediction, into: prediction_pb2.Prediction) -> None:
    """Writes one prediction into an empty message."""
    given, outlook, prices, age = value
    model = given.model
    # Field by field: from keywords, messages within messages, takes five times as long.
    into.symbol = given.symbol
    into.timeframe = model.timeframe
    into.as_of_time.seconds = given.as_of_time
    into.target_time.seconds = value.target_time
    into.horizon_bars = model.manifest.horizon_bars
    into.last_close = given.last_close or 0.0
    into.predicted_return = outlook.predicted
    if prices.predicted is not None:
        into.predicted_price = prices.predicted
    if outlook.rise is not None:
        into.direction_probability = outlook.rise
    coverage = model.band.coverage
    _write_interval(outlook.lower, outlook.upper, coverage, into.return_interval)
    if prices.lower is not None and prices.upper is not None:
        _write_interval(prices.lower, prices.upper, coverage, into.price_interval)
    into.model_version = model.name
    into.feature_set = model.feature_set_name
    provenance = into.feature_provenance
    _write_provenance(given.source, age, given.stale, given.bars_used, provenance)
    provenance.outdated = given.outdated


def write_age(seconds: float, into: duration_pb2.Duration) -> None:
    """Writes a span of seconds, zero or more."""
    whole = int(seconds)
    into.seconds = whole
    into.nanos = int((seconds - whole) * 1e9)


def matrix(value: MatrixPrediction) -> prediction_service_pb2.PredictMatrixResponse:
    """Predictions of many rows."""
    model, found = value.model, value.outlooks
    return prediction_service_pb2.PredictMatrixResponse(
        model_version=model.name,
        feature_set=model.feature_set_name,
        timeframe=model.timeframe,
        as_of_time=timestamp_pb2.Timestamp(seconds=value.as_of_time),
        target_time=timestamp_pb2.Timestamp(seconds=value.target_time),
        horizon_bars=model.manifest.horizon_bars,
        interval_coverage=model.band.coverage,
        packed_predicted_returns=_packed(found.predicted),
        packed_lower_returns=_packed(found.lower),
        packed_upper_returns=_packed(found.upper),
        packed_direction_probabilities=b"" if found.rise is None else _packed(found.rise),
    )


def _packed(values: NDArray[np.float64]) -> bytes:
    return values.astype("<f8", copy=False).tobytes()


def bar(key: SeriesKey, row: BarRow) -> bar_pb2.Bar:
    """One bar."""
    return bar_pb2.Bar(
        symbol=key.symbol,
        timeframe=key.timeframe,
        open_time=timestamp_pb2.Timestamp(seconds=row.open_time),
        close_time=timestamp_pb2.Timestamp(seconds=row.close_time),
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
    )


def position(key: SeriesKey, value: Position) -> stream_pb2.StreamPosition:
    """A place in a series."""
    message = stream_pb2.StreamPosition()
    write_position(key, value, message)
    return message


def write_position(key: SeriesKey, value: Position, into: stream_pb2.StreamPosition) -> None:
    """Writes a place in a series into an empty message."""
    into.symbol = key.symbol
    into.timeframe = key.timeframe
    into.epoch = value.epoch
    into.sequence = value.sequence


def started(event: Started) -> stream_pb2.StreamStarted:
    """The first event of a stream."""
    return stream_pb2.StreamStarted(
        starts=[
            stream_pb2.StreamStart(position=position(key, place), mode=_START_MODES[mode])
            for key, place, mode in event.starts
        ],
        symbols_without_bars=event.without_bars,
    )


def gap(event: Gap) -> stream_pb2.StreamGap:
    """What was left out."""
    return stream_pb2.StreamGap(
        symbol=event.key.symbol,
        timeframe=event.key.timeframe,
        from_sequence=event.first,
        to_sequence=event.last,
        reason=_GAP_REASONS[event.reason],
    )


def heartbeat(event: Heartbeat, now: float) -> stream_pb2.StreamHeartbeat:
    """A sign of life."""
    return stream_pb2.StreamHeartbeat(
        server_time=timestamp(now),
        positions=[position(key, place) for key, place in event.positions],
    )


def feature_set(value: FeatureSet) -> feature_set_pb2.FeatureSet:
    """A feature set's specification."""
    return feature_set_pb2.FeatureSet(
        name=f"featureSets/{value.id}",
        window_bars=value.window,
        minimum_bars=value.minimum_bars,
        features=[
            feature_set_pb2.Feature(
                name=feature.name,
                function=feature.function_name,
                parameters={name: float(item) for name, item in feature.parameters.items()},
            )
            for feature in value.features
        ]
        + [
            feature_set_pb2.Feature(name=rank.name, function=f"rank({rank.of})")
            for rank in value.ranks
        ],
        universe=value.universe,
        minimum_share=value.minimum_share if value.ranks else 0.0,
    )


def feature_vector(
    key: SeriesKey, value: FeatureSet, row: FeatureRow, *, cached: bool, stale: bool, now: float
) -> feature_set_pb2.FeatureVector:
    """The features of one symbol."""
    source = FeatureSource.CACHE if cached else FeatureSource.RECOMPUTED
    vector = feature_set_pb2.FeatureVector(
        symbol=key.symbol,
        timeframe=key.timeframe,
        feature_set=f"featureSets/{value.id}",
        as_of_time=timestamp_pb2.Timestamp(seconds=row.as_of_time),
        names=value.names,
        values=row.values.tolist(),
        last_close=row.last_close,
    )
    age = max(now - row.as_of_time, 0.0)
    _write_provenance(source, age, stale, row.bars_used, vector.provenance)
    return vector


def model(entry: ModelEntry) -> model_pb2.Model:
    """A model and its aliases."""
    default = entry.versions.get(entry.default)
    newest = entry.versions[max(entry.versions)] if entry.versions else None
    return model_pb2.Model(
        name=f"models/{entry.name}",
        aliases=[
            model_pb2.ModelAlias(alias=alias, version=f"models/{entry.name}/versions/{number}")
            for alias, number in sorted(entry.aliases.items())
        ],
        default_version=default.name if default else "",
        newest_version=newest.name if newest else "",
    )


def model_version(version: ModelVersion) -> model_pb2.ModelVersion:
    """A version: what its package says, and how the server holds it."""
    failure = version.failure
    message = model_pb2.ModelVersion(
        name=version.name,
        state=model_pb2.MODEL_VERSION_STATE_READY
        if version.loaded is not None
        else model_pb2.MODEL_VERSION_STATE_FAILED,
        failure=status_of(ModelVersionNotReady(version.name, failure)) if failure else None,
    )
    if isinstance(version.loaded, LoadedModel):
        _describe(message, version.loaded.manifest)
    if version.loaded is not None:
        message.load_time.CopyFrom(timestamp(version.loaded.load_time))
    return message


def _describe(message: model_pb2.ModelVersion, manifest: Manifest) -> None:
    training, evaluation = manifest.training, manifest.evaluation
    message.estimator = manifest.estimator
    message.target = manifest.target
    message.timeframe = str(manifest.timeframe)
    message.horizon_bars = manifest.horizon_bars
    message.feature_set = f"featureSets/{manifest.feature_set}"
    message.training_data.symbols.extend(sorted(training.symbols))
    message.training_data.start_time.seconds = training.start
    message.training_data.end_time.seconds = training.end
    message.training_data.rows = training.rows
    message.scores.extend(_score(score) for score in evaluation.scores)
    message.beats_baselines = evaluation.beats_baselines
    message.verdict = evaluation.verdict
    message.interval_coverage = manifest.band.coverage
    message.onnx_sha256 = manifest.onnx_sha256
    message.create_time.FromJsonString(manifest.created_at)


def _score(score: Score) -> model_pb2.Score:
    return model_pb2.Score(
        estimator=score.estimator,
        baseline=score.is_baseline,
        rmse=score.rmse,
        r2_vs_zero=score.r2_vs_zero,
        information_coefficient=score.information_coefficient,
        directional_accuracy=score.directional_accuracy,
        directional_accuracy_low=score.directional_accuracy_low,
        directional_accuracy_high=score.directional_accuracy_high,
        interval_coverage=score.interval_coverage,
        rows=score.rows,
    )


def _write_interval(
    lower: float, upper: float, coverage: float, into: prediction_pb2.Interval
) -> None:
    into.lower = lower
    into.upper = upper
    into.coverage = coverage


def _write_provenance(
    source: FeatureSource,
    age: float,
    stale: bool,
    bars_used: int,
    into: prediction_pb2.FeatureProvenance,
) -> None:
    into.source = _SOURCES[source]
    write_age(age, into.age)
    into.stale = stale
    into.bars_used = bars_used
