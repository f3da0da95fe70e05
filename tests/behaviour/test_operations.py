"""What an operator sees: health, metrics, reflection through a stock grpcurl."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tickcast.v1 import (
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server import probe
from tickcast_server.app import App
from tickcast_server.rpc.listen import SERVICES
from tickcast_server.testing import bar_messages, start_local

AddPackage = Callable[..., Path]


@pytest.mark.parametrize("name", ["", *SERVICES, "models/tiny", "models/tiny/versions/1"])
async def test_everything_with_a_name_has_a_health(
    shared_channel: grpc.aio.Channel, name: str
) -> None:
    stub = health_pb2_grpc.HealthStub(shared_channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_the_probe_answers_with_its_exit_code(shared_server: App) -> None:
    address = ["--address", shared_server.address]
    assert await asyncio.to_thread(probe.main, address) == 0
    assert await asyncio.to_thread(probe.main, [*address, "--service", "models/none"]) == 1
    assert await asyncio.to_thread(probe.main, ["--address", "127.0.0.1:1"]) == 1


async def test_metrics_count_what_was_done(tmp_path: Path, add_package: AddPackage) -> None:
    add_package()
    async with (
        start_local(tmp_path, metrics_address="127.0.0.1:0") as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        bars = bar_messages(random_walk_bars(70, symbol="AAPL"))
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=bars))
        request = prediction_service_pb2.PredictRequest(model="models/tiny", symbol="AAPL")
        for _ in range(3):
            await predictions.Predict(request)
        with pytest.raises(grpc.aio.AioRpcError):
            await predictions.Predict(prediction_service_pb2.PredictRequest())
        stream = market.StreamPrices(market_data_service_pb2.StreamPricesRequest(timeframe="1d"))
        await stream.read()
        url = f"http://{app.metrics_address}/metrics"
        page = (await asyncio.to_thread(urllib.request.urlopen, url)).read().decode()
        method = 'method="tickcast.v1.PredictionService/Predict"'
        for line in (
            f'tickcast_calls_total{{code="OK",{method}}} 3.0',
            f'tickcast_calls_total{{code="INVALID_ARGUMENT",{method}}} 1.0',
            f'tickcast_call_seconds_count{{code="OK",{method}}} 3.0',
            'tickcast_streams_open{method="tickcast.v1.MarketDataService/StreamPrices"} 1.0',
            'tickcast_predictions_total{model_version="models/tiny/versions/1"} 3.0',
            'tickcast_answers_reused_total{model_version="models/tiny/versions/1"} 2.0',
            'tickcast_inference_seconds_count{model_version="models/tiny/versions/1"} 1.0',
            'tickcast_features_served_total{source="cache"} 3.0',
            'tickcast_model_versions{state="loaded"} 1.0',
            "tickcast_store_reachable 1.0",
            "tickcast_feature_age_seconds_count 3.0",
        ):
            assert line in page
        stream.cancel()


def grpcurl(*arguments: str) -> str:
    result = subprocess.run(
        [Path(sys.executable).with_name("grpcurl"), "-plaintext", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout


async def test_a_stock_grpcurl_lists_describes_and_predicts(
    server: App, channel: grpc.aio.Channel
) -> None:
    market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
    bars = bar_messages(random_walk_bars(70, symbol="AAPL"))
    await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=bars))
    listed = await asyncio.to_thread(grpcurl, server.address, "list")
    assert set(SERVICES) <= set(listed.split())
    described = await asyncio.to_thread(
        grpcurl, server.address, "describe", "tickcast.v1.PredictionService"
    )
    assert "rpc Predict" in described
    answer = await asyncio.to_thread(
        grpcurl,
        "-d",
        '{"model": "models/tiny", "symbol": "AAPL"}',
        server.address,
        "tickcast.v1.PredictionService/Predict",
    )
    prediction = json.loads(answer)["prediction"]
    assert prediction["symbol"] == "AAPL"
    assert prediction["model_version"] == "models/tiny/versions/1"
