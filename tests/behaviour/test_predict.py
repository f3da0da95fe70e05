"""Predict answers by symbol, from features or from bars in the request, with the same numbers."""

from __future__ import annotations

import math
from collections.abc import Awaitable

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tickcast.v1 import (
    feature_service_pb2,
    feature_service_pb2_grpc,
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    prediction_pb2,
)
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import prediction_service_pb2_grpc as rpc
from tickcast_modelkit.features import CORE, last_window
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import bar_messages, detail, reason

SERIES = random_walk_bars(300, symbol="AAPL")


@pytest.fixture(scope="module")
async def stub(shared_channel: grpc.aio.Channel) -> rpc.PredictionServiceAsyncStub:
    market = market_data_service_pb2_grpc.MarketDataServiceStub(shared_channel)
    await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=bar_messages(SERIES)))
    return rpc.PredictionServiceStub(shared_channel)


async def refusal(call: Awaitable[Message]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_by_symbol_says_all_that_a_reader_needs(stub: rpc.PredictionServiceAsyncStub) -> None:
    answer = (await stub.Predict(pb.PredictRequest(model="models/tiny", symbol="AAPL"))).prediction
    close = float(SERIES.ohlcv[-1, 3])
    assert answer.symbol == "AAPL"
    assert answer.timeframe == "1d"
    assert answer.as_of_time.seconds == SERIES.close_time[-1]
    assert answer.target_time.seconds == SERIES.close_time[-1] + 86_400
    assert answer.horizon_bars == 1
    assert answer.last_close == close
    assert answer.predicted_price == pytest.approx(close * math.exp(answer.predicted_return))
    assert answer.return_interval.lower < answer.predicted_return < answer.return_interval.upper
    assert answer.price_interval.lower < answer.predicted_price < answer.price_interval.upper
    assert answer.return_interval.coverage == 0.8
    assert (answer.direction_probability > 0.5) == (answer.predicted_return > 0)
    assert 0 < answer.direction_probability < 1
    assert answer.model_version == "models/tiny/versions/1"
    assert answer.feature_set == f"featureSets/{CORE.id}"
    assert answer.feature_provenance.source == prediction_pb2.FEATURE_SOURCE_CACHE
    assert answer.feature_provenance.bars_used == CORE.window
    assert not answer.feature_provenance.stale


async def test_by_symbol_features_and_bars_agree_bit_for_bit(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    held = await stub.Predict(pb.PredictRequest(model="models/tiny", symbol="AAPL"))
    features = CORE.compute(last_window(CORE, SERIES.open_time, SERIES.ohlcv))[0]
    given = pb.PredictRequest(model="models/tiny", symbol="AAPL")
    given.features.values.extend(features.tolist())
    given.features.as_of_time.seconds = int(SERIES.close_time[-1])
    given.features.last_close = float(SERIES.ohlcv[-1, 3])
    bars = pb.PredictRequest(
        model="models/tiny", symbol="AAPL", bars=pb.InlineBars(bars=bar_messages(SERIES))
    )
    from_features = (await stub.Predict(given)).prediction
    from_bars = (await stub.Predict(bars)).prediction
    for answer in (from_features, from_bars):
        assert answer.predicted_return == held.prediction.predicted_return
        assert answer.predicted_price == held.prediction.predicted_price
        assert answer.price_interval == held.prediction.price_interval


async def test_features_without_a_close_give_a_return_and_no_price(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    request = pb.PredictRequest(model="models/tiny", symbol="NEW")
    request.features.values.extend([0.0] * len(CORE.names))
    request.features.as_of_time.seconds = 86_400
    answer = (await stub.Predict(request)).prediction
    assert answer.predicted_return == 0
    assert not answer.HasField("predicted_price")
    assert not answer.HasField("price_interval")


async def test_served_features_are_those_of_the_trainer(
    stub: rpc.PredictionServiceAsyncStub, shared_channel: grpc.aio.Channel
) -> None:
    features = feature_service_pb2_grpc.FeatureServiceStub(shared_channel)
    response = await features.GetFeatures(
        feature_service_pb2.GetFeaturesRequest(
            symbol="AAPL", timeframe="1d", feature_set=f"featureSets/{CORE.id}"
        )
    )
    served = np.array(response.feature_vector.values, dtype=np.float32)
    expected = CORE.compute(last_window(CORE, SERIES.open_time, SERIES.ohlcv))[0]
    assert served.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("request_", "code", "why", "field"),
    [
        (dict(model="models/tiny", symbol="ZZZ"), "NOT_FOUND", "SYMBOL_NOT_FOUND", ""),
        (dict(model="models/none", symbol="AAPL"), "NOT_FOUND", "MODEL_NOT_FOUND", ""),
        (
            dict(model="models/tiny/versions/7", symbol="AAPL"),
            "NOT_FOUND",
            "MODEL_VERSION_NOT_FOUND",
            "",
        ),
        (
            dict(model="models/tiny/versions/nightly", symbol="AAPL"),
            "NOT_FOUND",
            "MODEL_VERSION_NOT_FOUND",
            "",
        ),
        (
            dict(model="models/tiny", symbol="AAPL", timeframe="5m"),
            "INVALID_ARGUMENT",
            "TIMEFRAME_MISMATCH",
            "timeframe",
        ),
        (
            dict(model="models/tiny", symbol="AAPL", timeframe="fortnight"),
            "INVALID_ARGUMENT",
            "FIELD_INVALID",
            "timeframe",
        ),
        (dict(model="models/tiny", symbol=""), "INVALID_ARGUMENT", "FIELD_REQUIRED", "symbol"),
        (dict(model="models/tiny", symbol="A B"), "INVALID_ARGUMENT", "FIELD_INVALID", "symbol"),
        (dict(model="tiny", symbol="AAPL"), "INVALID_ARGUMENT", "FIELD_INVALID", "model"),
        (
            dict(
                model="models/tiny",
                symbol="AAPL",
                features=dict(values=[1, 2], as_of_time=dict(seconds=1)),
            ),
            "INVALID_ARGUMENT",
            "FEATURE_COUNT_MISMATCH",
            "features.values",
        ),
        (
            dict(
                model="models/tiny",
                symbol="AAPL",
                features=dict(values=[math.nan], as_of_time=dict(seconds=1)),
            ),
            "INVALID_ARGUMENT",
            "FIELD_INVALID",
            "features.values[0]",
        ),
        (
            dict(
                model="models/tiny",
                symbol="AAPL",
                features=dict(packed_values=bytes(8), as_of_time=dict(seconds=1)),
            ),
            "INVALID_ARGUMENT",
            "FEATURE_COUNT_MISMATCH",
            "features.packed_values",
        ),
        (
            dict(
                model="models/tiny",
                symbol="AAPL",
                features=dict(packed_values=bytes(7), as_of_time=dict(seconds=1)),
            ),
            "INVALID_ARGUMENT",
            "FIELD_INVALID",
            "features.packed_values",
        ),
        (
            dict(
                model="models/tiny",
                symbol="AAPL",
                features=dict(
                    packed_values=np.array([1, math.inf], "<f4").tobytes(),
                    as_of_time=dict(seconds=1),
                ),
            ),
            "INVALID_ARGUMENT",
            "FIELD_INVALID",
            "features.packed_values[1]",
        ),
        (
            dict(
                model="models/tiny",
                symbol="AAPL",
                features=dict(values=[0.0], packed_values=bytes(4), as_of_time=dict(seconds=1)),
            ),
            "INVALID_ARGUMENT",
            "FIELD_INVALID",
            "features.packed_values",
        ),
    ],
)
async def test_refuses_what_it_cannot_answer(
    stub: rpc.PredictionServiceAsyncStub,
    request_: dict[str, object],
    code: str,
    why: str,
    field: str,
) -> None:
    error = await refusal(stub.Predict(pb.PredictRequest(**request_)))  # type: ignore[arg-type]
    assert error.code().name == code
    status = rpc_status.from_call(error)
    assert status is not None
    assert reason(status) == why
    if field:
        (violation,) = detail(status, error_details_pb2.BadRequest).field_violations
        assert violation.field == field


async def test_too_few_bars_says_how_many_there_are_and_how_many_are_needed(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    request = pb.PredictRequest(
        model="models/tiny", symbol="AAPL", bars=pb.InlineBars(bars=bar_messages(SERIES, 0, 63))
    )
    error = await refusal(stub.Predict(request))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    status = rpc_status.from_call(error)
    assert status is not None
    metadata = detail(status, error_details_pb2.ErrorInfo).metadata
    assert (metadata["held"], metadata["needed"]) == ("63", "64")


async def test_bad_bars_in_a_request_are_named_by_path(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    bars = bar_messages(SERIES, 0, 80)
    bars[17].high = bars[17].low / 2
    bars[20].close = math.nan
    request = pb.PredictRequest(model="models/tiny", symbol="AAPL", bars=pb.InlineBars(bars=bars))
    error = await refusal(stub.Predict(request))
    status = rpc_status.from_call(error)
    assert status is not None
    assert reason(status) == "BAR_INVALID"
    fields = {item.field for item in detail(status, error_details_pb2.BadRequest).field_violations}
    assert {"bars.bars[17].high", "bars.bars[20].close"} <= fields


async def test_an_error_carries_the_callers_request_id(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    error = await refusal(
        stub.Predict(pb.PredictRequest(), metadata=(("x-request-id", "desk-42"),))
    )
    status = rpc_status.from_call(error)
    assert status is not None
    assert detail(status, error_details_pb2.RequestInfo).request_id == "desk-42"


async def test_a_batch_answers_in_order_and_one_bad_item_fails_alone(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    response = await stub.BatchPredict(
        pb.BatchPredictRequest(
            model="models/tiny",
            items=[
                pb.BatchPredictItem(symbol="AAPL"),
                pb.BatchPredictItem(symbol="ZZZ"),
                pb.BatchPredictItem(symbol=""),
                pb.BatchPredictItem(symbol="AAPL", model="models/tiny/versions/1"),
            ],
        )
    )
    kinds = [result.WhichOneof("result") for result in response.results]
    assert kinds == ["prediction", "error", "error", "prediction"]
    assert reason(response.results[1].error) == "SYMBOL_NOT_FOUND"
    (violation,) = detail(response.results[2].error, error_details_pb2.BadRequest).field_violations
    assert violation.field == "items[2].symbol"
    single = await stub.Predict(pb.PredictRequest(model="models/tiny", symbol="AAPL"))
    assert response.results[0].prediction.predicted_return == pytest.approx(
        single.prediction.predicted_return, rel=1e-6
    )


async def test_a_batch_over_the_limit_is_refused_whole(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    items = [pb.BatchPredictItem(symbol="AAPL")] * 5_001
    error = await refusal(
        stub.BatchPredict(pb.BatchPredictRequest(model="models/tiny", items=items))
    )
    status = rpc_status.from_call(error)
    assert status is not None
    assert reason(status) == "BATCH_TOO_LARGE"


async def test_a_long_list_of_violations_still_arrives(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    request = pb.PredictRequest(model="models/tiny", symbol="AAPL")
    request.features.values.extend([math.nan] * 2_000)
    error = await refusal(stub.Predict(request))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(error)
    assert status is not None
    violations = detail(status, error_details_pb2.BadRequest).field_violations
    assert len(violations) <= 21
    assert violations[-1].description.startswith("and ")


async def test_a_return_that_no_price_can_follow_has_none(
    stub: rpc.PredictionServiceAsyncStub,
) -> None:
    request = pb.PredictRequest(model="models/tiny", symbol="AAPL")
    request.features.values.extend([3e38] * len(CORE.names))
    request.features.as_of_time.seconds = int(SERIES.close_time[-1])
    request.features.last_close = 100.0
    answer = (await stub.Predict(request)).prediction
    assert abs(answer.predicted_return) > 1_000
    assert not answer.HasField("price_interval")
    rises = answer.predicted_return > 0
    assert answer.HasField("predicted_price") is not rises
