"""A server of one process and one of several say the same to who watches them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
from prometheus_client.parser import text_string_to_metric_families
from tickcast.v1 import (
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import (
    bar_messages,
    eventually,
    metrics_page,
    start_local,
    start_workers,
)

AddPackage = Callable[..., Path]
Sample = tuple[str, str, frozenset[tuple[str, str]]]

BARS = bar_messages(random_walk_bars(80, symbol="AAPL"))


async def use(address: str) -> None:
    """Calls that leave something in most metrics."""
    async with grpc.aio.insecure_channel(address) as channel:
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS))
        stream = market.StreamPrices(market_data_service_pb2.StreamPricesRequest(timeframe="1d"))
        await stream.read()
        stream.cancel()
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for _ in range(2):
            await stub.Predict(
                prediction_service_pb2.PredictRequest(model="models/tiny", symbol="AAPL")
            )


def samples(page: str) -> Iterator[Sample]:
    """Name, type and labels of each of our samples, without when it was made."""
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name.startswith("tickcast_") and not sample.name.endswith("_created"):
                yield sample.name, family.type, frozenset(sample.labels.items())


async def test_metrics_have_the_same_names_types_and_labels(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    async with start_local(tmp_path, metrics_address="127.0.0.1:0") as one:
        await use(one.address)
        page = await asyncio.to_thread(metrics_page, one.metrics_address)
        of_one = set(samples(page))
    (tmp_path / "several").mkdir()
    (tmp_path / "models").rename(tmp_path / "several" / "models")
    async with start_workers(tmp_path / "several", 2) as several:
        await use(several.address)
        await eventually(lambda: "tickcast_stage" in metrics_page(several.metrics_address))
        of_several = set(samples(metrics_page(several.metrics_address)))
    own = {sample for sample in of_several if sample[0].startswith("tickcast_workers_")}
    assert {name for name, _, _ in own} == {"tickcast_workers_ready", "tickcast_workers_died_total"}
    assert of_several - own == of_one
