"""The live page: its files, with the headers that keep it safe and quick; words where it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tickcast_server.http.application import http_application
from tickcast_server.http.serve import HttpServer
from tickcast_server.observe.metrics import Metrics
from tickcast_server.waits import Waits

INDEX = "<!doctype html><title>Tickcast</title>"
SCRIPT = "export const answer = 42;\n" * 100
ASSET = "/assets/index-B4b2c1d0.js"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A folder as Vite leaves it, beside a file that is none of the page's."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / ASSET.removeprefix("/")).write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
async def client(page: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Asks a server of the page that answers no method."""
    waits = Waits(
        least=1, most=1, slow=1.0, observer=Metrics(stages=False), timer=time.perf_counter
    )
    application = http_application({}, waits=waits, origins=(), page=page)
    http = await HttpServer.start(application, "127.0.0.1:0", shared_port=False, grace=1)
    async with httpx.AsyncClient(base_url=f"http://{http.address}") as opened:
        yield opened
    http.leave()
    await http.closed()


async def test_the_page_is_asked_for_again_each_time(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert response.text == INDEX
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    again = await client.get("/", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_an_asset_is_kept_for_ever_and_sent_small(client: httpx.AsyncClient) -> None:
    response = await client.get(ASSET)
    assert response.text == SCRIPT
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/", ASSET])
async def test_a_page_loads_and_asks_its_own_server_alone(
    client: httpx.AsyncClient, path: str
) -> None:
    headers = (await client.get(path)).headers
    policy = dict(item.split(" ", 1) for item in headers["content-security-policy"].split("; "))
    assert policy.pop("img-src") == "'self' data:"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert policy["default-src"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_page_that_is_not_built_says_how_to_build_it(
    client: httpx.AsyncClient, page: Path
) -> None:
    (page / "index.html").unlink()
    response = await client.get("/")
    assert response.status_code == 404
    assert "'make web' builds it" in response.json()["message"]


async def test_a_page_that_is_built_meanwhile_is_there(
    client: httpx.AsyncClient, page: Path
) -> None:
    (page / "index.html").unlink()
    assert (await client.get("/")).status_code == 404
    (page / "index.html").write_text(INDEX)
    assert (await client.get("/")).text == INDEX


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret.txt",
        "/assets/..%2F..%2Fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets//secret.txt",
        "/assets/..",
        "/assets/",
        "/assets/none.js",
        "/secret.txt",
    ],
)
async def test_what_is_no_file_of_the_page_is_refused(client: httpx.AsyncClient, path: str) -> None:
    # By hand: a client tidies paths up before it sends them.
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"needed that of a method" in answer


async def test_who_sends_something_to_the_page_is_told(client: httpx.AsyncClient) -> None:
    response = await client.post("/", content="{}")
    assert response.status_code == 405
    assert response.json()["message"] == "method: was POST, needed GET"
