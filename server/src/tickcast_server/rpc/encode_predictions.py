"""Many predictions to messages: what several have in common is written once, and copied."""

from __future__ import annotations

from collections.abc import Iterable

from tickcast.v1 import prediction_pb2

from tickcast_server.rpc import encode
from tickcast_server.serving.columns import Origin, PredictionColumns
from tickcast_server.serving.outlook import Outlook
from tickcast_server.serving.predictor import ModelInput, Prediction, Prices

_NO_OUTLOOK = Outlook(0.0, 0.0, 0.0, None)


def write_predictions(found: PredictionColumns, into: Iterable[prediction_pb2.Prediction]) -> None:
    """Writes each prediction into an empty message."""
    inputs = found.inputs
    coverage = found.model.band.coverage
    in_common: dict[tuple[int, Origin], prediction_pb2.Prediction] = {}
    for message, symbol, as_of_time, origin, age, last_close, outlook, price, low, high in zip(
        *(into, inputs.symbols, inputs.as_of_times, inputs.origins, found.ages),
        *(inputs.last_closes, found.outlooks.each(), *found.prices),
        strict=True,
    ):
        kind = as_of_time, origin
        common = in_common.get(kind)
        if common is None:
            common = in_common[kind] = _in_common(found, as_of_time, origin, age)
        message.CopyFrom(common)
        message.symbol = symbol
        predicted, lower, upper, rise = outlook
        message.predicted_return = predicted
        interval = message.return_interval
        interval.lower = lower
        interval.upper = upper
        if rise is not None:
            message.direction_probability = rise
        if last_close is not None:
            message.last_close = last_close
        if price is not None:
            message.predicted_price = price
        if low is not None and high is not None:
            interval = message.price_interval
            interval.lower = low
            interval.upper = high
            interval.coverage = coverage


def _in_common(
    found: PredictionColumns, as_of_time: int, origin: Origin, age: float
) -> prediction_pb2.Prediction:
    """What rows of the same moment and origin say alike."""
    source, bars_used, stale, outdated = origin
    given = ModelInput(
        model=found.model,
        symbol="",
        values=found.inputs.values[0],
        as_of_time=as_of_time,
        last_close=None,
        bars_used=bars_used,
        source=source,
        stale=stale,
        outdated=outdated,
    )
    message = prediction_pb2.Prediction()
    encode.write_prediction(Prediction(given, _NO_OUTLOOK, Prices(), age), message)
    return message
