"""A vendor on this machine: a real HTTP server that answers as told, and remembers questions."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tickcast_trainer.sources.remote import RemoteContext

NOW = 1_800_000_000.0
"""2027-01-15T08:00:00Z, when every test begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the vendor sends once."""

    body: Any
    """Text as it is, anything else as JSON."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    """Bytes after which the connection ends, though more were promised."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the vendor was asked."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""


Reply = Callable[[Question], Answer]


class Vendor:
    """Answers each path by a list, whose last answer stays, or by a function of the question."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.questions: list[Question] = []
        self._answers: dict[str, list[Answer] | Reply] = {}

    def on(self, path: str, *answers: Answer) -> None:
        """Answer a path with one after the other."""
        self._answers[path] = list(answers)

    def reply(self, path: str, function: Reply) -> None:
        """Answer a path with what the function returns."""
        self._answers[path] = function

    def asked(self, path: str) -> list[dict[str, str]]:
        """The queries of a path so far."""
        return [question.query for question in self.questions if question.path == path]

    def answer(self, question: Question) -> Answer:
        """Choose the answer to a question."""
        self.questions.append(question)
        known = self._answers.get(question.path)
        if known is None:
            return Answer(status=404, body=f"nothing at {question.path}")
        if isinstance(known, list):
            return known.pop(0) if len(known) > 1 else known[0]
        return known(question)


def _handler(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = vendor.answer(Question(url.path, dict(parse_qsl(url.query)), headers))
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            body = text.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: answer.cut_at])
            self.close_connection = answer.cut_at is not None

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """A vendor at an address of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    host, port = server.server_address[:2]
    one = Vendor(f"http://{host!s}:{port}")
    server.RequestHandlerClass = _handler(one)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


class Clock:
    """Time that passes when someone sleeps, and not otherwise."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """The time that sources go by."""
    return Clock()


MakeContext = Callable[..., RemoteContext]


@pytest.fixture
def context(tmp_path: Path, clock: Clock) -> MakeContext:
    """Makes the context of a source out of environment variables; nothing is kept by default."""

    def make(max_age_seconds: float = 0.0, **environment: str) -> RemoteContext:
        return RemoteContext(
            environment=environment,
            cache=tmp_path / "cache",
            max_age_seconds=max_age_seconds,
            clock=clock,
            sleep=clock.sleep,
        )

    return make


@pytest.fixture
def answer() -> Callable[..., Answer]:
    """Makes an answer."""
    return Answer
