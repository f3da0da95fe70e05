"""The contract over HTTP: what curl and a browser get is what gRPC gives."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import grpc
import httpx
import psutil
import pytest
from google.protobuf import json_format
from pydantic import ValidationError
from redis import Redis
from tickcast.v1 import (
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.http.sockets import HttpAddressInUse
from tickcast_server.settings import Settings
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.testing import bar_messages, eventually, reason, start_local, start_workers

from tests.http_calls import (
    GRPC_WEB,
    JSON,
    PROTO,
    ask_json,
    connect_status,
    frame,
    frames,
    grpc_web_status,
    url,
)

AddPackage = Callable[..., Path]

PREDICT = "PredictionService/Predict"
BARS = bar_messages(random_walk_bars(90, symbol="AAPL"))
REQUEST = prediction_service_pb2.PredictRequest(model="models/tiny", symbol="AAPL")
STREAM = market_data_service_pb2.StreamPricesRequest(
    timeframe="1d", symbols=["AAPL"], snapshot=True
)


async def ingest(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS))


@pytest.fixture(scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """A server with an HTTP port, one model and the bars of one symbol."""
    from tests.conftest import write_linear_package

    folder = tmp_path_factory.mktemp("web")
    write_linear_package(folder / "models")
    async with start_local(
        folder, http_address="127.0.0.1:0", http_cors="https://desk.example"
    ) as app:
        await ingest(app.address)
        yield app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as opened:
        yield opened


async def over_grpc(app: App) -> prediction_service_pb2.PredictResponse:
    async with grpc.aio.insecure_channel(app.address) as channel:
        return await prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(REQUEST)


def bits(answer: prediction_service_pb2.PredictResponse) -> bytes:
    """All of an answer but the age of its features, which grows from call to call."""
    answer.prediction.feature_provenance.ClearField("age")
    return answer.SerializeToString(deterministic=True)


async def test_json_says_what_grpc_says_bit_for_bit(web: App) -> None:
    response = await ask_json(web.http_address, PREDICT, REQUEST)
    assert response.headers["content-type"] == "application/json"
    answer = json_format.Parse(response.content, prediction_service_pb2.PredictResponse())
    assert bits(answer) == bits(await over_grpc(web))


async def test_binary_connect_says_what_grpc_says(web: App, client: httpx.AsyncClient) -> None:
    response = await client.post(
        url(web.http_address, PREDICT), content=REQUEST.SerializeToString(), headers=PROTO
    )
    answer = prediction_service_pb2.PredictResponse.FromString(response.content)
    assert bits(answer) == bits(await over_grpc(web))


async def test_grpc_web_says_what_grpc_says(web: App, client: httpx.AsyncClient) -> None:
    async with client.stream(
        "POST",
        url(web.http_address, PREDICT),
        content=frame(REQUEST.SerializeToString()),
        headers=GRPC_WEB,
    ) as response:
        message, end = [item async for item in frames(response)]
    answer = prediction_service_pb2.PredictResponse.FromString(message.data)
    assert bits(answer) == bits(await over_grpc(web))
    assert end.ends
    assert grpc_web_status(end.data).code == 0


async def test_a_stream_hears_of_a_bar_and_ends_with_its_caller(
    tmp_path: Path, add_package: AddPackage, client: httpx.AsyncClient
) -> None:
    add_package()
    async with start_local(tmp_path, http_address="127.0.0.1:0") as app:
        async with client.stream(
            "POST",
            url(app.http_address, "MarketDataService/StreamPrices"),
            content=frame(json_format.MessageToJson(STREAM).encode()),
            headers={"content-type": "application/connect+json"},
        ) as response:
            heard = frames(response)
            kinds = [_kind((await anext(heard)).data)]
            assert len(app.fanout) == 1
            await ingest(app.address)
            kinds += [_kind((await anext(heard)).data) for _ in BARS]
            await heard.aclose()
        assert kinds == ["started", *["bar"] * len(BARS)]
        await eventually(lambda: len(app.fanout) == 0)


def _kind(data: bytes) -> str | None:
    message = market_data_service_pb2.StreamPricesResponse()
    return json_format.Parse(data, message).WhichOneof("event")


@pytest.mark.parametrize("protocol", ["connect", "grpc-web"])
async def test_a_server_that_stops_says_so_to_its_streams(
    tmp_path: Path, add_package: AddPackage, client: httpx.AsyncClient, protocol: str
) -> None:
    add_package()
    async with start_local(tmp_path, http_address="127.0.0.1:0") as app:
        await ingest(app.address)
        async with client.stream(
            "POST",
            url(app.http_address, "MarketDataService/StreamPrices"),
            content=frame(STREAM.SerializeToString()),
            headers={"content-type": f"application/{protocol}+proto"},
        ) as response:
            heard = frames(response)
            await anext(heard)
            stopping = asyncio.create_task(app.stop())
            end = [item async for item in heard][-1]
            status = (connect_status if protocol == "connect" else grpc_web_status)(end.data)
            assert reason(status) == "SHUTTING_DOWN"
        await stopping
        with pytest.raises(httpx.ConnectError):
            await ask_json(app.http_address, PREDICT, REQUEST)


@pytest.fixture
async def slow(tmp_path: Path, add_package: AddPackage) -> AsyncIterator[App]:
    """A server that has its bars to read from a store that does not answer until it is over."""
    add_package()
    valkey = EmbeddedValkey(tmp_path / "own", fsync="always").start()
    try:
        async with start_local(tmp_path, redis_url=valkey.url) as app:
            await ingest(app.address)
        async with start_local(
            tmp_path, redis_url=valkey.url, store={"timeout": 20}, http_address="127.0.0.1:0"
        ) as app:
            with Redis.from_url(valkey.url) as redis:
                process = int(redis.info("server")["process_id"])
            os.kill(process, signal.SIGSTOP)
            try:
                yield app
            finally:
                os.kill(process, signal.SIGCONT)
    finally:
        valkey.stop()


def lost(app: App, cause: str) -> float | None:
    labels = {"method": f"tickcast.v1.{PREDICT}", "reason": cause}
    return app.metrics.registry.get_sample_value("tickcast_calls_lost_total", labels)


async def test_a_deadline_that_passes_ends_the_work(slow: App, client: httpx.AsyncClient) -> None:
    response = await client.post(
        url(slow.http_address, PREDICT),
        content=json_format.MessageToJson(REQUEST),
        headers=JSON | {"connect-timeout-ms": "300"},
    )
    assert response.json()["code"] == "deadline_exceeded"
    await eventually(lambda: lost(slow, "deadline") == 1)


async def test_a_caller_that_leaves_ends_the_work(slow: App) -> None:
    with pytest.raises(httpx.ReadTimeout):
        async with httpx.AsyncClient(timeout=0.3) as impatient:
            await impatient.post(
                url(slow.http_address, PREDICT),
                content=json_format.MessageToJson(REQUEST),
                headers=JSON,
            )
    await eventually(lambda: lost(slow, "cancelled") == 1)


async def test_calls_are_counted_with_those_of_grpc(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    async with start_local(tmp_path, http_address="127.0.0.1:0") as app:
        await ask_json(app.http_address, PREDICT, prediction_service_pb2.PredictRequest())
        labels = {"method": f"tickcast.v1.{PREDICT}", "code": "INVALID_ARGUMENT"}
        assert app.metrics.registry.get_sample_value("tickcast_calls_total", labels) == 1


async def test_a_request_id_comes_back_with_an_error(web: App, client: httpx.AsyncClient) -> None:
    response = await client.post(
        url(web.http_address, PREDICT), content="{}", headers=JSON | {"x-request-id": "mine-1"}
    )
    shown = {item["type"]: item["debug"] for item in response.json()["details"]}
    assert shown["google.rpc.RequestInfo"] == {"requestId": "mine-1"}


async def test_a_json_error_can_be_read_without_a_decoder(web: App) -> None:
    request = prediction_service_pb2.PredictRequest(model="models/tiny", symbol="NONE")
    response = await ask_json(web.http_address, PREDICT, request)
    assert response.status_code == 404
    shown = {item["type"]: item["debug"] for item in response.json()["details"]}
    assert shown["google.rpc.ErrorInfo"]["reason"] == "SYMBOL_NOT_FOUND"


async def test_where_the_time_went_is_told_to_who_asks(web: App, client: httpx.AsyncClient) -> None:
    response = await client.post(
        url(web.http_address, PREDICT),
        content=json_format.MessageToJson(REQUEST),
        headers=JSON | {"tickcast-timing": "1"},
    )
    assert int(response.headers["trailer-tickcast-timing-inference-us"]) >= 0


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://desk.example", "https://desk.example"), ("https://other.example", None)],
)
async def test_pages_of_the_origins_that_are_named_may_ask(
    web: App, client: httpx.AsyncClient, origin: str, allowed: str | None
) -> None:
    response = await client.options(
        url(web.http_address, PREDICT),
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,connect-protocol-version",
        },
    )
    assert response.headers.get("access-control-allow-origin") == allowed


@pytest.mark.parametrize(
    ("verb", "path", "content_type", "status", "needed"),
    [
        ("POST", PREDICT, "application/grpc+proto", 415, "TICKCAST_ADDRESS"),
        (
            "POST",
            PREDICT,
            "application/x-www-form-urlencoded",
            415,
            "needed one of application/json",
        ),
        ("POST", PREDICT, "application/connect+json", 415, "needed one of application/json"),
        ("POST", PREDICT, "application/grpc-web-text", 415, "application/grpc-web+proto"),
        ("POST", PREDICT, "", 415, "was '', needed one of application/json"),
        (
            *("POST", "MarketDataService/StreamPrices", "application/json"),
            *(415, "needed one of application/connect+json"),
        ),
        ("GET", PREDICT, "", 405, "was GET, needed POST"),
        ("POST", "PredictionService/Guess", "application/json", 404, "such as /tickcast.v1."),
        ("GET", "", "", 404, "such as /tickcast.v1."),
    ],
)
async def test_who_asks_in_another_way_is_told_how_to_ask(
    web: App,
    client: httpx.AsyncClient,
    verb: str,
    path: str,
    content_type: str,
    status: int,
    needed: str,
) -> None:
    response = await client.request(
        verb, url(web.http_address, path), content=b"{}", headers={"content-type": content_type}
    )
    assert response.status_code == status
    assert needed in response.json()["message"]


async def test_it_is_off_and_not_loaded_unless_asked_for(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    program = (
        "import asyncio, sys, pathlib\n"
        "from tickcast_server.testing import start_local\n"
        "async def main():\n"
        f"    async with start_local(pathlib.Path({str(tmp_path)!r})) as app:\n"
        "        loaded = {'connectrpc', 'starlette', 'uvicorn'} & set(sys.modules)\n"
        "        print(repr(app.http_address), sorted(loaded))\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.decode().splitlines()[-1] == "'' []"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_that_is_taken_is_named(
    tmp_path: Path, add_package: AddPackage, host: str
) -> None:
    add_package()
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"{host}:{taken.getsockname()[1]}"
        with pytest.raises(HttpAddressInUse, match=f"{address}.*TICKCAST_HTTP_ADDRESS"):
            async with start_local(tmp_path, http_address=address):
                pass


@pytest.mark.parametrize("origin", ["desk.example", "https://desk.example/", "https://a.b/c", ""])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="needed scheme://host"):
        Settings(http_cors=(origin,))


def ports(process: int) -> set[int]:
    """Those that a process listens on."""
    connections = psutil.Process(process).net_connections("tcp")
    return {item.laddr.port for item in connections if item.status == psutil.CONN_LISTEN}


async def test_every_worker_answers_on_the_port(tmp_path: Path, add_package: AddPackage) -> None:
    add_package()
    async with start_workers(tmp_path, 2, TICKCAST_HTTP_ADDRESS="127.0.0.1:0") as workers:
        (serving,) = workers.said("serving")
        await ingest(workers.address)
        port = int(serving["http_address"].rpartition(":")[2])
        assert all(port in ports(pid) for pid in workers.pids)
        response = await ask_json(serving["http_address"], PREDICT, REQUEST)
        assert response.status_code == 200
        workers.process.send_signal(signal.SIGHUP)
        await eventually(lambda: bool(workers.said("every worker was replaced")), within=60)
        response = await ask_json(serving["http_address"], PREDICT, REQUEST)
        assert response.status_code == 200
