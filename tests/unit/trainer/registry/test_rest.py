"""What answers at an address that is no registry's, and what a registry is sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tickcast_trainer.registry.connect import connect
from tickcast_trainer.registry.errors import (
    ArtifactsNotServed,
    RegistryError,
    RegistryRefused,
    RegistryUnreachable,
)
from tickcast_trainer.registry.publish import Registry

Heard = list[tuple[str, str | None]]
"""Path and Authorization of each request."""


@contextmanager
def answering(status: int, content: bytes, **headers: str) -> Iterator[tuple[str, Heard]]:
    """The URL of a web server that answers everything alike, and what it hears."""
    heard: Heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, self.headers["Authorization"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heard
        finally:
            server.shutdown()
            thread.join()


def connected(url: str, **environ: str) -> Registry:
    return connect(url, experiment="daily", promote=False, environ=environ)


@pytest.mark.parametrize(
    ("status", "content", "kind", "said"),
    [
        (404, b"<html>not here", RegistryUnreachable, "was 404 Not Found without JSON"),
        (200, b"[]", RegistryUnreachable, "was 200 OK without JSON"),
        (302, b"", RegistryUnreachable, "was 302 Found without JSON"),
        (401, b"who?", RegistryRefused, "401 Unauthorized: needed MLFLOW_TRACKING_TOKEN"),
        (400, b'{"error_code": "BAD", "message": "no"}', RegistryRefused, "BAD: no"),
    ],
)
def test_an_answer_that_is_of_no_use_is_told(
    status: int, content: bytes, kind: type[RegistryError], said: str
) -> None:
    with answering(status, content) as (url, _), pytest.raises(kind) as caught:
        connected(url)
    assert str(caught.value).startswith(f"registry {url}: ")
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_nobody_there_is_told() -> None:
    with pytest.raises(RegistryUnreachable, match=r"registry http://127.0.0.1:1: was .*refused"):
        connected("http://127.0.0.1:1")


def test_artifacts_that_the_registry_does_not_serve_are_refused_before_the_work() -> None:
    for location in ("s3://bucket/1", "mlflow-artifacts://other:5000/1", "/mlruns/1"):
        content = f'{{"experiment": {{"experiment_id": "1", "artifact_location": "{location}"}}}}'
        with (
            answering(200, content.encode()) as (url, _),
            pytest.raises(ArtifactsNotServed, match="--serve-artifacts"),
        ):
            connected(url)


def test_a_path_before_the_api_and_the_credentials_are_sent() -> None:
    absent = b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'
    with answering(404, absent) as (url, heard):
        connected(f"{url}/mlflow/", MLFLOW_TRACKING_TOKEN="t")
    path = "/mlflow/api/2.0/mlflow/experiments/get-by-name?experiment_name=daily"
    assert heard == [(path, "Bearer t")]
