"""Arrays as a ModelInferResponse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from tickcast_server.rpc.inference import tensors
from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import (
    InferParameter,
    ModelInferResponse,
)
from tickcast_server.rpc.inference.request import InferQuery
from tickcast_server.serving.predictor import Prediction
from tickcast_server.serving.signature import Signature

_FINAL = "triton_final_response"


def infer_response(
    query: InferQuery, signature: Signature, arrays: Mapping[str, NDArray[Any]]
) -> ModelInferResponse:
    """The outputs that were asked for, in that order.

    Raw always, since clients read nothing else, and typed beside it for those that ask.
    """
    response = ModelInferResponse()
    for name in query.outputs:
        values, datatype = arrays[name], signature.outputs[name].datatype
        output = response.outputs.add(name=name, datatype=datatype, shape=values.shape)
        response.raw_output_contents.append(tensors.raw(values, datatype))
        if query.parameters.typed_contents:
            output.contents.CopyFrom(tensors.typed(values, datatype))
    if query.parameters.final_response:
        response.parameters[_FINAL].bool_param = True
    return response


def tell_of_features(response: ModelInferResponse, predictions: Sequence[Prediction]) -> None:
    """Adds what predictions by symbol are made from; of several, the oldest and the worst."""
    inputs = [one.input for one in predictions]
    oldest = min(predictions, key=lambda one: one.input.as_of_time)
    given = response.parameters
    given["as_of_time"].int64_param = oldest.input.as_of_time
    given["target_time"].int64_param = oldest.target_time
    given["age_seconds"].double_param = max(one.age for one in predictions)
    given["stale"].bool_param = any(one.stale for one in inputs)
    given["outdated"].bool_param = any(one.outdated for one in inputs)
    given["bars_used"].int64_param = min(one.bars_used for one in inputs)
    if len(predictions) == 1:
        _tell_of_price(given, predictions[0])


def _tell_of_price(given: Mapping[str, InferParameter], prediction: Prediction) -> None:
    outlook, last_close = prediction.outlook, prediction.input.last_close
    given["return_lower"].double_param = outlook.lower
    given["return_upper"].double_param = outlook.upper
    given["interval_coverage"].double_param = prediction.input.model.band.coverage
    if last_close is not None:
        given["last_close"].double_param = last_close
    if prediction.prices.predicted is not None:
        given["predicted_price"].double_param = prediction.prices.predicted
    if outlook.rise is not None:
        given["direction_probability"].double_param = outlook.rise
