"""Streams say where they begin, miss nothing, resume where they were, and never go silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import duration_pb2
from grpc_status import rpc_status
from tickcast.v1 import (
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
    stream_pb2,
)
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import bar_messages, eventually, reason

from tests.stream_reading import take

if TYPE_CHECKING:
    from tickcast.v1.market_data_service_pb2_grpc import MarketDataServiceAsyncStub
    from tickcast.v1.prediction_service_pb2_grpc import PredictionServiceAsyncStub

SERIES = random_walk_bars(100, symbol="AAPL")
OTHER = random_walk_bars(100, symbol="IBM", seed=2)
FAST = duration_pb2.Duration(nanos=100_000_000)


@pytest.fixture
def market(channel: grpc.aio.Channel) -> MarketDataServiceAsyncStub:
    return market_data_service_pb2_grpc.MarketDataServiceStub(channel)


@pytest.fixture
def predictions(
    channel: grpc.aio.Channel,
) -> PredictionServiceAsyncStub:
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


async def ingest(
    market: MarketDataServiceAsyncStub, bars: Sequence[Any]
) -> list[stream_pb2.StreamPosition]:
    response = await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=bars))
    return [result.stored.position for result in response.results]


def prices(market: MarketDataServiceAsyncStub, **request: Any) -> Any:
    return market.StreamPrices(
        market_data_service_pb2.StreamPricesRequest(
            timeframe="1d", heartbeat_interval=FAST, **request
        )
    )


async def test_a_live_stream_begins_with_the_next_bar(market: MarketDataServiceAsyncStub) -> None:
    await ingest(market, bar_messages(SERIES, 0, 10))
    stream = prices(market)
    (started,) = await take(stream, "started", 1)
    (start,) = started.started.starts
    assert start.position.sequence == 10
    assert start.mode == stream_pb2.STREAM_START_MODE_LIVE
    bars = bar_messages(SERIES, 10, 15)
    positions = await ingest(market, bars)
    events = await take(stream, "bar", 5)
    assert [event.bar for event in events] == bars
    assert [event.position for event in events] == positions
    stream.cancel()


async def test_a_snapshot_begins_with_the_last_bar(market: MarketDataServiceAsyncStub) -> None:
    await ingest(market, bar_messages(SERIES, 0, 10))
    stream = prices(market, snapshot=True)
    (event,) = await take(stream, "bar", 1)
    assert event.bar == bar_messages(SERIES, 9, 10)[0]
    stream.cancel()


async def test_a_stream_resumes_after_its_position(market: MarketDataServiceAsyncStub) -> None:
    positions = await ingest(market, bar_messages(SERIES, 0, 90))
    stream = prices(market, resume_after=[positions[3]])
    (started,) = await take(stream, "started", 1)
    assert started.started.starts[0].mode == stream_pb2.STREAM_START_MODE_RESUMED
    events = await take(stream, "bar", 86)
    assert [event.position.sequence for event in events] == list(range(5, 91))
    stream.cancel()


async def test_a_named_symbol_may_come_later(market: MarketDataServiceAsyncStub) -> None:
    stream = prices(market, symbols=["IBM"])
    (started,) = await take(stream, "started", 1)
    assert list(started.started.symbols_without_bars) == ["IBM"]
    await ingest(market, [*bar_messages(SERIES, 0, 3), *bar_messages(OTHER, 0, 3)])
    events = await take(stream, "bar", 3)
    assert [event.bar.symbol for event in events] == ["IBM"] * 3
    stream.cancel()


async def test_a_quiet_stream_sends_heartbeats_with_its_positions(
    market: MarketDataServiceAsyncStub,
) -> None:
    await ingest(market, bar_messages(SERIES, 0, 10))
    stream = prices(market)
    first, second = await take(stream, "heartbeat", 2)
    assert [item.sequence for item in first.heartbeat.positions] == [10]
    assert not second.heartbeat.positions
    assert not second.HasField("position")
    stream.cancel()


async def test_a_position_of_another_epoch_is_told_so_and_gets_all_there_is(
    market: MarketDataServiceAsyncStub,
) -> None:
    await ingest(market, bar_messages(SERIES, 0, 10))
    old = stream_pb2.StreamPosition(symbol="AAPL", timeframe="1d", epoch="gone", sequence=50)
    stream = prices(market, resume_after=[old])
    (gap,) = await take(stream, "gap", 1)
    assert gap.gap.reason == stream_pb2.STREAM_GAP_REASON_EPOCH_CHANGED
    events = await take(stream, "bar", 10)
    assert [event.position.sequence for event in events] == list(range(1, 11))
    stream.cancel()


async def test_a_position_ahead_of_the_last_bar_is_refused(
    market: MarketDataServiceAsyncStub,
) -> None:
    positions = await ingest(market, bar_messages(SERIES, 0, 10))
    positions[-1].sequence = 11
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await take(prices(market, resume_after=[positions[-1]]), "bar", 1)
    assert caught.value.code() is grpc.StatusCode.OUT_OF_RANGE
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert reason(status) == "POSITION_AHEAD"


async def test_every_closed_bar_is_predicted_as_predict_would(
    market: MarketDataServiceAsyncStub, predictions: PredictionServiceAsyncStub
) -> None:
    await ingest(market, bar_messages(SERIES, 0, 62))
    stream = predictions.StreamPredictions(
        prediction_service_pb2.StreamPredictionsRequest(
            model="models/tiny", heartbeat_interval=FAST
        )
    )
    await take(stream, "started", 1)
    expected = []
    for index in range(62, 80):
        await ingest(market, bar_messages(SERIES, index, index + 1))
        if index >= 63:
            request = prediction_service_pb2.PredictRequest(model="models/tiny", symbol="AAPL")
            expected.append((await predictions.Predict(request)).prediction)
    (refusal,) = await take(stream, "refusal", 1)
    assert reason(refusal.refusal.error) == "TOO_FEW_BARS"
    events = await take(stream, "prediction", len(expected))
    for event, unary in zip(events, expected, strict=True):
        assert event.prediction.as_of_time == unary.as_of_time
        assert event.prediction.predicted_return == unary.predicted_return
        assert event.prediction.price_interval == unary.price_interval
    stream.cancel()


async def test_predictions_resume_with_none_doubled_and_none_missing(
    market: MarketDataServiceAsyncStub, predictions: PredictionServiceAsyncStub
) -> None:
    positions = await ingest(market, bar_messages(SERIES, 0, 70))
    stream = predictions.StreamPredictions(
        prediction_service_pb2.StreamPredictionsRequest(
            model="models/tiny", symbols=["AAPL"], resume_after=[positions[63]]
        )
    )
    first = await take(stream, "prediction", 3)
    stream.cancel()
    await ingest(market, bar_messages(SERIES, 70, 100))
    stream = predictions.StreamPredictions(
        prediction_service_pb2.StreamPredictionsRequest(
            model="models/tiny", symbols=["AAPL"], resume_after=[first[-1].position]
        )
    )
    rest = await take(stream, "prediction", 33)
    sequences = [event.position.sequence for event in first + rest]
    assert sequences == list(range(65, 101))
    stream.cancel()


async def test_bad_arguments_are_named(market: MarketDataServiceAsyncStub) -> None:
    position = stream_pb2.StreamPosition(symbol="AAPL", timeframe="5m", epoch="e", sequence=1)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await take(
            market.StreamPrices(
                market_data_service_pb2.StreamPricesRequest(
                    timeframe="1d",
                    symbols=["A B"],
                    resume_after=[position],
                    heartbeat_interval=duration_pb2.Duration(seconds=3600),
                )
            ),
            "bar",
            1,
        )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert reason(status) == "INVALID_FIELDS"


async def test_a_reader_that_leaves_takes_its_subscription_along(
    server: App, market: MarketDataServiceAsyncStub
) -> None:
    await ingest(market, bar_messages(SERIES, 0, 10))
    streams = [prices(market, snapshot=True) for _ in range(50)]
    for stream in streams:
        await take(stream, "bar", 1)
    method = {"method": "tickcast.v1.MarketDataService/StreamPrices"}

    def open_streams() -> float | None:
        return server.metrics.registry.get_sample_value("tickcast_streams_open", method)

    assert open_streams() == 50
    for stream in streams:
        stream.cancel()
    await eventually(lambda: open_streams() == 0)
    assert len(server.fanout) == 0
