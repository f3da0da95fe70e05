"""A request of BatchPredict to a batch, and what became of it to the response.

Most batches are symbols alone, or packed features, and nothing else that items have of their own.
They are read by column; an item that is wrong, or of another kind, is read by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast_modelkit.bars import is_symbol

from tickcast_server.errors import InvalidRequest, TickcastError
from tickcast_server.rpc import decode
from tickcast_server.rpc.encode_predictions import write_predictions
from tickcast_server.rpc.names import parse_model_ref
from tickcast_server.rpc.status import status_of
from tickcast_server.serving.batch_predictor import (
    BatchAnswer,
    BatchQuery,
    GivenColumns,
    HeldColumns,
)
from tickcast_server.serving.columns import InputColumns, Origin
from tickcast_server.serving.models import ModelRef
from tickcast_server.serving.predictor import FeatureSource, PredictQuery

_Row = tuple[int, str, bytes, int, float | None]
"""Place, symbol, packed values, as-of time and last close."""


def read_batch(
    request: pb.BatchPredictRequest,
) -> tuple[BatchQuery, Mapping[int, InvalidRequest]]:
    """What to predict, and what is wrong with the items that are left out of it, by place.

    Raises `InvalidRequest` for a malformed whole.
    """
    decode.check_count("items", len(request.items))
    held, given = _held(request), _given(request)
    in_columns = {*(held.places if held else ()), *(given.inputs.places if given else ())}
    queries: dict[int, PredictQuery] = {}
    wrong: dict[int, InvalidRequest] = {}
    if len(in_columns) == len(request.items):
        return BatchQuery(queries=queries, held=held, given=given), wrong
    for place, item in enumerate(request.items):
        if place in in_columns:
            continue
        try:
            queries[place] = decode.predict_query(item, default_model=request.model)
        except InvalidRequest as error:
            wrong[place] = error.under(f"items[{place}]")
    return BatchQuery(queries=queries, held=held, given=given), wrong


def batch_response(
    answer: BatchAnswer, wrong: Mapping[int, InvalidRequest], *, request_id: str
) -> pb.BatchPredictResponse:
    """The results in the order of the items."""
    response = pb.BatchPredictResponse()
    results = response.results
    for _ in range(len(wrong) + len(answer)):
        results.add()
    for found in answer.predictions:
        write_predictions(found, (results[place].prediction for place in found.inputs.places))
    refused = {place: _under(place, error) for place, error in answer.refused.items()}
    for place, error in {**wrong, **refused}.items():
        results[place].error.CopyFrom(status_of(error, request_id=request_id))
    return response


def _held(request: pb.BatchPredictRequest) -> HeldColumns | None:
    model = parse_model_ref(request.model)
    if model is None or request.items[0].WhichOneof("input") is not None:
        return None
    found = [
        (place, symbol)
        for place, item in enumerate(request.items)
        if item.WhichOneof("input") is None
        and not item.model
        and not item.timeframe
        and is_symbol(symbol := item.symbol)
    ]
    if not found:
        return None
    places, symbols = zip(*found, strict=True)
    return HeldColumns(model=model, places=places, symbols=symbols)


def _given(request: pb.BatchPredictRequest) -> GivenColumns | None:
    model = parse_model_ref(request.model)
    packed_bytes = len(request.items[0].features.packed_values)
    width, rest = divmod(packed_bytes, decode.PACKED.itemsize)
    if model is None or not width or rest:
        return None
    rows = _rows(request.items, packed_bytes)
    values = decode.unpacked(b"".join([row[2] for row in rows])).reshape(-1, width)
    finite = np.isfinite(values)
    if not finite.all():
        right = finite.all(axis=1)
        rows = [rows[index] for index in np.flatnonzero(right).tolist()]
        values = values[right]
    return _columns(model, rows, values) if rows else None


def _rows(items: Sequence[pb.BatchPredictItem], packed_bytes: int) -> list[_Row]:
    """Of the items whose features are packed in so many bytes, and right but for the values."""
    rows = []
    for place, item in enumerate(items):
        features = item.features
        packed = features.packed_values
        as_of_time = features.as_of_time.seconds
        last_close = features.last_close
        if (
            len(packed) == packed_bytes
            # 0 where there is none; an item that says 0 is looked at by itself.
            and as_of_time
            and (0.0 < last_close < math.inf or not features.HasField("last_close"))
            and not features.values
            and not item.model
            and not item.timeframe
            and is_symbol(symbol := item.symbol)
        ):
            rows.append((place, symbol, packed, as_of_time, last_close or None))
    return rows


def _columns(model: ModelRef, rows: Sequence[_Row], values: NDArray[np.float32]) -> GivenColumns:
    places, symbols, _, as_of_times, last_closes = zip(*rows, strict=True)
    return GivenColumns(
        model=model,
        field="features.packed_values",
        inputs=InputColumns(
            places=places,
            symbols=symbols,
            values=values,
            as_of_times=as_of_times,
            last_closes=last_closes,
            origins=[Origin(FeatureSource.REQUEST_FEATURES)] * len(rows),
        ),
    )


def _under(place: int, error: TickcastError) -> TickcastError:
    return error.under(f"items[{place}]") if isinstance(error, InvalidRequest) else error
