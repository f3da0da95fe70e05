"""Many readers share what is sent, a slow one harms nobody, and each hears what it asked for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from grpc_status import rpc_status
from tickcast.v1 import market_data_service_pb2 as market_pb
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import stream_pb2
from tickcast.v1.market_data_service_pb2_grpc import MarketDataServiceStub
from tickcast.v1.prediction_service_pb2_grpc import PredictionServiceStub
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import bar_messages, reason, start_local

from tests.conftest import AddPackage
from tests.stream_reading import take

LIMIT = 200
BARS = random_walk_bars(300, symbol="AAPL")
MANY = random_walk_bars(4_200, symbol="AAPL", timeframe="1h")
MARKET = [random_walk_bars(70, symbol=f"S{index:03}", seed=index) for index in range(40)]
FAST = duration_pb2.Duration(nanos=100_000_000)


@pytest.fixture
async def server(tmp_path: Path, add_package: AddPackage) -> AsyncIterator[App]:
    """A server whose readers may be 200 bars behind, and open 30 streams from one host."""
    add_package()
    stream = {"limit": LIMIT, "most_of_client": 30}
    async with start_local(tmp_path, stream=stream, store={"retained_bars": 8_000}) as app:
        yield app


@pytest.fixture
def market(channel: grpc.aio.Channel) -> Any:
    return MarketDataServiceStub(channel)


@pytest.fixture
def predictions(channel: grpc.aio.Channel) -> Any:
    return PredictionServiceStub(channel)


async def ingest(market: Any, bars: Sequence[Any]) -> None:
    response = await market.IngestBars(market_pb.IngestBarsRequest(bars=bars))
    assert all(result.HasField("stored") for result in response.results)


def left_out(server: App, reason: str) -> float:
    labels = {"reason": reason}
    name = "tickcast_stream_bars_left_out_total"
    return server.metrics.registry.get_sample_value(name, labels) or 0.0


def messages(server: App, origin: str) -> float:
    labels = {"origin": origin}
    name = "tickcast_stream_messages_total"
    return server.metrics.registry.get_sample_value(name, labels) or 0.0


async def test_a_bar_is_predicted_and_encoded_once_for_all_its_readers(
    server: App, market: Any, predictions: Any
) -> None:
    await ingest(market, bar_messages(BARS, 0, 64))
    request = pb.StreamPredictionsRequest(model="models/tiny", symbols=["AAPL"])
    streams = [predictions.StreamPredictions(request) for _ in range(25)]
    for stream in streams:
        await take(stream, "started")
    await ingest(market, bar_messages(BARS, 64, 67))
    events = [await take(stream, "prediction", 3) for stream in streams]
    assert all(found == events[0] for found in events)
    assert messages(server, "made") == 3
    assert messages(server, "shared") == 3 * 24
    for stream in streams:
        stream.cancel()


async def test_bars_that_arrive_together_are_predicted_in_one_call_of_the_model(
    server: App, market: Any, predictions: Any
) -> None:
    await ingest(market, [bar for series in MARKET for bar in bar_messages(series, 0, 69)])
    stream = predictions.StreamPredictions(pb.StreamPredictionsRequest(model="models/tiny"))
    await take(stream, "started")
    await ingest(market, [bar for series in MARKET for bar in bar_messages(series, 69, 70)])
    events = await take(stream, "prediction", len(MARKET))
    assert {event.prediction.symbol for event in events} == {one.symbol for one in MARKET}
    labels = {"model_version": "models/tiny/versions/1"}
    name = "tickcast_inference_seconds_count"
    assert server.metrics.registry.get_sample_value(name, labels) == 1
    stream.cancel()


async def test_a_reader_that_leaves_takes_nothing_from_the_others(
    market: Any, predictions: Any
) -> None:
    await ingest(market, bar_messages(BARS, 0, 300))
    position = stream_pb2.StreamPosition(symbol="AAPL", timeframe="1d", sequence=100)
    listed = await market.ListSymbols(market_pb.ListSymbolsRequest())
    position.epoch = listed.symbols[0].position.epoch
    request = pb.StreamPredictionsRequest(model="models/tiny", resume_after=[position])
    streams = [predictions.StreamPredictions(request) for _ in range(20)]
    leaving, staying = streams[::2], streams[1::2]
    for stream in leaving:
        await take(stream, "started")
        stream.cancel()
    for stream in staying:
        events = await take(stream, "prediction", 200)
        assert [event.position.sequence for event in events] == list(range(101, 301))
        stream.cancel()


def prices(market: Any, policy: stream_pb2.SlowReaderPolicy.ValueType) -> Any:
    return market.StreamPrices(
        market_pb.StreamPricesRequest(timeframe="1h", symbols=["AAPL"], slow_reader_policy=policy)
    )


async def fall_behind(market: Any, stream: Any) -> None:
    """Stores more bars than the connection takes up while `stream` is not read."""
    await take(stream, "started")
    for start in range(100, len(MANY), 100):
        await ingest(market, bar_messages(MANY, start, start + 100))


async def test_a_slow_reader_that_wants_the_latest_is_told_what_it_missed(
    server: App, market: Any
) -> None:
    await ingest(market, bar_messages(MANY, 0, 100))
    stream = prices(market, stream_pb2.SLOW_READER_POLICY_LATEST)
    await fall_behind(market, stream)
    expected = 101
    missed = 0
    async with asyncio.timeout(30):
        while expected <= len(MANY):
            event = await stream.read()
            match event.WhichOneof("event"):
                case "gap":
                    assert event.gap.reason == stream_pb2.STREAM_GAP_REASON_CONFLATED
                    assert event.gap.from_sequence == expected
                    missed += event.gap.to_sequence + 1 - expected
                    expected = event.gap.to_sequence + 1
                case "bar":
                    assert event.position.sequence == expected
                    expected += 1
    assert missed > 0
    assert left_out(server, "behind") == missed
    stream.cancel()


async def read_to_the_end(stream: Any) -> tuple[Any, grpc.aio.AioRpcError]:
    """The last event, and the error that ended the stream."""
    event = None
    async with asyncio.timeout(30):
        while True:
            try:
                event = await stream.read()
            except grpc.aio.AioRpcError as error:
                return event, error


async def test_a_slow_reader_that_wants_every_bar_is_closed_and_can_resume(market: Any) -> None:
    await ingest(market, bar_messages(MANY, 0, 100))
    stream = prices(market, stream_pb2.SLOW_READER_POLICY_CLOSE)
    await fall_behind(market, stream)
    last, error = await read_to_the_end(stream)
    status = rpc_status.from_call(error)
    assert status is not None
    assert reason(status) == "SLOW_READER"
    again = market.StreamPrices(
        market_pb.StreamPricesRequest(timeframe="1h", resume_after=[last.position])
    )
    (event,) = await take(again, "bar")
    assert event.position.sequence == last.position.sequence + 1
    again.cancel()


async def test_a_reader_hears_only_of_moves_that_are_large_enough(server: App, market: Any) -> None:
    least = 0.02
    await ingest(market, bar_messages(BARS, 0, 10))
    stream = market.StreamPrices(
        market_pb.StreamPricesRequest(timeframe="1d", minimum_move=least, heartbeat_interval=FAST)
    )
    await take(stream, "started")
    bars = bar_messages(BARS, 10, 90)
    await ingest(market, bars)
    sent = [bars[0]]
    for bar in bars[1:]:
        if abs(math.log(bar.close / sent[-1].close)) >= least:
            sent.append(bar)
    assert 1 < len(sent) < len(bars)
    events = await take(stream, "bar", len(sent))
    assert [event.bar for event in events] == sent
    assert left_out(server, "small_move") == len(bars) - len(sent)
    # What was left out moves the position all the same.
    (heartbeat,) = await take(stream, "heartbeat")
    assert [item.sequence for item in heartbeat.heartbeat.positions] == [90]
    stream.cancel()


async def test_predictions_of_a_smaller_move_are_left_out_and_the_stream_is_not_silent(
    market: Any, predictions: Any
) -> None:
    await ingest(market, bar_messages(BARS, 0, 64))
    every = predictions.StreamPredictions(pb.StreamPredictionsRequest(model="models/tiny"))
    await take(every, "started")
    await ingest(market, bar_messages(BARS, 64, 100))
    moves = [event.prediction for event in await take(every, "prediction", 36)]
    every.cancel()
    least = sorted(abs(item.predicted_return) for item in moves)[18]
    position = stream_pb2.StreamPosition(symbol="AAPL", timeframe="1d", sequence=64)
    listed = await market.ListSymbols(market_pb.ListSymbolsRequest())
    position.epoch = listed.symbols[0].position.epoch
    some = predictions.StreamPredictions(
        pb.StreamPredictionsRequest(
            model="models/tiny",
            resume_after=[position],
            minimum_move=least,
            heartbeat_interval=FAST,
        )
    )
    expected = [item.as_of_time for item in moves if abs(item.predicted_return) >= least]
    found = await take(some, "prediction", len(expected))
    assert [event.prediction.as_of_time for event in found] == expected
    (heartbeat,) = await take(some, "heartbeat")
    assert [item.sequence for item in heartbeat.heartbeat.positions] == [100]
    some.cancel()


@pytest.mark.parametrize("least", [-0.1, math.nan, math.inf])
async def test_a_least_move_is_a_size(market: Any, least: float) -> None:
    request = market_pb.StreamPricesRequest(timeframe="1d", minimum_move=least)
    with pytest.raises(grpc.aio.AioRpcError, match=r"minimum_move: was .*, needed a natural log"):
        await take(market.StreamPrices(request), "started")


async def test_an_unknown_policy_is_named(market: Any) -> None:
    request = market_pb.StreamPricesRequest(timeframe="1d", slow_reader_policy=7)  # type: ignore[arg-type]
    with pytest.raises(grpc.aio.AioRpcError, match="slow_reader_policy: was 7"):
        await take(market.StreamPrices(request), "started")


async def test_a_host_has_so_many_streams_and_no_more(market: Any) -> None:
    await ingest(market, bar_messages(BARS, 0, 10))
    streams = [
        market.StreamPrices(market_pb.StreamPricesRequest(timeframe="1d")) for _ in range(30)
    ]
    for stream in streams:
        await take(stream, "started")
    one_more = market.StreamPrices(market_pb.StreamPricesRequest(timeframe="1d"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await take(one_more, "started")
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert reason(status) == "TOO_MANY_STREAMS"
    streams.pop().cancel()
    async with asyncio.timeout(10):
        while True:
            again = market.StreamPrices(market_pb.StreamPricesRequest(timeframe="1d"))
            try:
                await take(again, "started")
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.02)
    for stream in [*streams, again]:
        stream.cancel()


async def test_a_reader_that_allows_it_gets_events_together(market: Any, predictions: Any) -> None:
    await ingest(market, [bar for series in MARKET for bar in bar_messages(series, 0, 69)])
    one_by_one, batched = (
        predictions.StreamPredictions(
            pb.StreamPredictionsRequest(model="models/tiny", batched=together)
        )
        for together in (False, True)
    )
    for stream in (one_by_one, batched):
        await take(stream, "started")
    await ingest(market, [bar for series in MARKET for bar in bar_messages(series, 69, 70)])
    (batch,) = await take(batched, "batch")
    assert list(batch.batch.events) == await take(one_by_one, "prediction", len(MARKET))
    for stream in (one_by_one, batched):
        stream.cancel()
