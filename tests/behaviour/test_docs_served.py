"""Pages about asking a server get the answers that they speak of, as typed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tickcast import AsyncClient
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import start_local

from tests.conftest import write_linear_package
from tests.documentation.blocks import ROOT
from tests.documentation.scenes import SERVED
from tests.documentation.session import ADDRESS, HTTP_ADDRESS, METRICS_ADDRESS, Session
from tests.sdk_bars import sdk_bars

README, SDK = "README.md", "clients/python/README.md"
CURL, GRPCURL, HTTP = "docs/how_to/curl.md", "docs/how_to/grpcurl.md", "docs/http.md"
SYMBOLS = ("AAPL", "MSFT")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server was started, and a checkout lies."""
    made = tmp_path_factory.mktemp("served")
    (made / "proto").symlink_to(ROOT / "proto")
    (made / ".tickcast" / "models" / "rising").mkdir(parents=True)
    return made


@pytest.fixture(scope="module")
async def server(folder: Path) -> AsyncIterator[App]:
    """A server with the model and the symbols that pages speak of."""
    data = folder / ".tickcast"
    write_linear_package(data / "models", name="daily-ridge")
    async with start_local(
        data, http_address="127.0.0.1:0", metrics_address="127.0.0.1:0", http_cors="*"
    ) as app:
        async with AsyncClient(app.address) as client:
            for seed, symbol in enumerate(SYMBOLS):
                await client.ingest_bars(sdk_bars(random_walk_bars(100, symbol=symbol, seed=seed)))
        yield app


Follow = Callable[[str], Awaitable[list[str]]]


@pytest.fixture
async def follow(server: App, folder: Path) -> AsyncIterator[Follow]:
    """Follows a page beside that server, in the folder where it was started."""
    addresses = {
        ADDRESS: server.address,
        HTTP_ADDRESS: server.http_address,
        METRICS_ADDRESS: server.metrics_address,
    }
    async with AsyncExitStack() as running:

        async def follow(page: str) -> list[str]:
            before = SERVED[page].before
            reader = Session(folder=folder, running=running, addresses=addresses, before=before)
            return await reader.follow(page)

        yield follow


@pytest.mark.parametrize(
    "page", [page for page in SERVED if page not in {README, SDK, CURL, GRPCURL, HTTP}]
)
async def test_the_page_is_answered(page: str, follow: Follow) -> None:
    await follow(page)


async def test_the_readme_gets_one_answer_in_every_way(follow: Follow) -> None:
    _, by_grpcurl, by_curl, by_python, elsewhere = await follow(README)
    price = json.loads(by_curl)["prediction"]["predictedPrice"]
    # Reflection gives grpcurl the names of the contract.
    assert json.loads(by_grpcurl)["prediction"]["predicted_price"] == price
    prediction, band, *models = by_python.splitlines()
    assert re.fullmatch(rf"AAPL [\d.]+ -> {price:.2f}", prediction)
    assert re.fullmatch(r"80% within [\d.]+ to [\d.]+", band)
    assert "models/daily-ridge models/daily-ridge/versions/1" in models
    (probabilities,) = re.findall(r"^ ?\[\[(.*)\]$", elsewhere, re.MULTILINE)
    assert sum(map(float, probabilities.split())) == pytest.approx(1)


async def test_the_page_of_the_sdk_says_what_is_missing_and_what_comes(follow: Follow) -> None:
    said = "".join(await follow(SDK))
    assert "SYMBOL_NOT_FOUND" in said
    assert "StreamStarted(" in said


async def test_grpcurl_and_buf_get_the_same_numbers(follow: Follow) -> None:
    listed, by_grpcurl, *by_buf, streamed = await follow(GRPCURL)
    assert "tickcast.v1.PredictionService" in listed
    assert "message PredictRequest" in listed
    price = json.loads(by_grpcurl)["prediction"]["predicted_price"]
    assert [json.loads(answer)["prediction"]["predictedPrice"] for answer in by_buf] == [price] * 2
    assert streamed


# curl succeeds with whatever the server answers.
async def test_curl_is_answered_in_json(follow: Follow) -> None:
    predicted, batch, bar, held, refused = await follow(CURL)
    assert json.loads(predicted)["prediction"]["symbol"] == "AAPL"
    found, missing = json.loads(batch)["results"]
    assert "prediction" in found
    assert "error" in missing
    assert len(json.loads(bar)["results"]) == 1
    assert '"models/daily-ridge"' in held
    assert '"IBM"' in held
    assert json.loads(refused)["code"] == "invalid_argument"


async def test_the_page_of_http_is_answered_by_curl_and_buf(follow: Follow) -> None:
    predicted, streamed = await follow(HTTP)
    assert json.loads(predicted)["prediction"]["symbol"] == "AAPL"
    assert streamed
