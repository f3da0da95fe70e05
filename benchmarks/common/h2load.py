"""h2load, nghttp2's load generator in C: one unary call, in closed loops or at a fixed rate."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.frames import write_message
from benchmarks.common.latency import Latency

INSTALL = "Debian: apt-get install nghttp2-client; macOS: brew install nghttp2"

# Of answers that hold the time, some bytes come and go.
_SIZE_TOLERANCE = 0.05


class H2loadMissing(RuntimeError):
    """h2load is not installed. The message says how to install it."""


class WrongAnswers(RuntimeError):
    """Some answers were refused, or of another size than the one that was checked."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call, prepared."""

    url: str
    body: bytes
    content_type: str = "application/grpc"
    headers: tuple[str, ...] = ()

    @staticmethod
    def grpc(address: str, method: str, message: bytes, *, timeout: float | None = None) -> Request:
        """A gRPC call with a deadline in seconds; `method` with its slashes."""
        return Request(
            url=f"http://{address}{method}",
            body=write_message(message),
            headers=() if timeout is None else (f"grpc-timeout: {timeout * 1e6:.0f}u",),
        )


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one closed loop came to."""

    calls_per_second: float
    latency: Latency
    answer_bytes: float
    """Mean of the bodies."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What a fixed rate came to, in calls a second."""

    made: float
    """Those that ended, whatever with."""

    answered: float
    refused: float
    """Those whose streams were reset."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One call in h2load's log."""

    start: int
    """Microseconds since the epoch."""

    status: int
    """Of HTTP; -1 for a failed stream."""

    microseconds: int


def check_installed() -> None:
    """Raises `H2loadMissing`."""
    if shutil.which("h2load") is None:
        raise H2loadMissing(f"h2load was not found on the PATH, needed to make load. {INSTALL}")


def closed_loop(
    request: Request,
    *,
    in_flight: int,
    seconds: float,
    connections: int = 1,
    answer_bytes: float | None = None,
    http1: bool = False,
) -> Load:
    """Keeps `in_flight` calls under way, spread over the connections.

    Raises `WrongAnswers` when an answer has another HTTP status than 200, or when they have not
    `answer_bytes` on average: gRPC refuses with 200, and without a body.
    """
    connections = min(connections, in_flight)
    options = [
        f"--clients={connections}",
        f"--max-concurrent-streams={in_flight // connections}",
        *(["--h1"] if http1 else []),
    ]
    rows, received = _run(request, options, seconds)
    mean = received / max(len(rows), 1)
    check_answers(rows, mean, answer_bytes)
    return Load(
        calls_per_second=rate_of(rows),
        latency=Latency.of(row.microseconds for row in rows),
        answer_bytes=mean,
    )


def fixed_rate(
    request: Request,
    *,
    rate: float,
    in_flight: int,
    seconds: float,
    answer_bytes: float,
    connections: int = 1,
) -> Pace:
    """Makes `rate` calls a second in bursts of 10 ms, as far as there is room for them.

    A connection has no more than `in_flight` calls under way, nor more than the server admits.
    What has `answer_bytes` counts as answered. Raises `WrongAnswers` when answers are longer.
    """
    options = [
        f"--clients={connections}",
        f"--max-concurrent-streams={in_flight}",
        f"--rps={rate / connections:.0f}",
    ]
    rows, received = _run(request, options, seconds)
    return pace_of(rows, received / answer_bytes)


def _run(request: Request, options: list[str], seconds: float) -> tuple[list[Row], int]:
    """The calls of a run, and the bytes of all bodies."""
    with tempfile.TemporaryDirectory() as name:
        body, log = Path(name, "body"), Path(name, "log")
        body.write_bytes(request.body)
        headers = (f"content-type: {request.content_type}", "te: trailers", *request.headers)
        command = [
            *("h2load", f"--data={body}", f"--log-file={log}", *options),
            f"--duration={seconds * 1_000:.0f}ms",
            *(f"--header={header}" for header in headers),
            request.url,
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return parse_log(log.read_text()), data_bytes(done.stdout)


def parse_log(text: str) -> list[Row]:
    """The rows of `--log-file`."""
    return [
        Row(start=int(start), status=int(status), microseconds=int(microseconds))
        for start, status, microseconds in (line.split("\t")[:3] for line in text.splitlines())
    ]


def data_bytes(report: str) -> int:
    """Bytes of all bodies, from what h2load prints."""
    found = re.search(r"\((\d+)\) data$", report, re.MULTILINE)
    return int(found[1]) if found else 0


def rate_of(rows: list[Row]) -> float:
    """Calls a second, from the first one's start to the last one's end."""
    if not rows:
        return 0.0
    first = min(row.start for row in rows)
    last = max(row.start + row.microseconds for row in rows)
    return len(rows) / max(last - first, 1) * 1e6


def pace_of(rows: list[Row], answers: float) -> Pace:
    """What became of these calls, when their bodies were as long as so many answers.

    Raises `WrongAnswers` when there are more answers than calls that may have had one.
    """
    reset = sum(row.status == -1 for row in rows)
    ended = len(rows) - reset
    if answers > ended * (1 + _SIZE_TOLERANCE):
        raise WrongAnswers(f"{ended} calls brought the bytes of {answers:.0f} answers")
    made = rate_of(rows)
    share = made / max(len(rows), 1)
    return Pace(made=made, answered=min(answers, ended) * share, refused=reset * share)


def check_answers(rows: list[Row], mean_bytes: float, needed_bytes: float | None) -> None:
    """Raises `WrongAnswers`."""
    refused = sum(row.status != 200 for row in rows)
    if not rows or refused:
        raise WrongAnswers(
            f"{refused} of {len(rows)} calls were refused, needed some and no refusal"
        )
    if needed_bytes is not None and abs(mean_bytes / needed_bytes - 1) > _SIZE_TOLERANCE:
        raise WrongAnswers(
            f"answers were of {mean_bytes:.0f} bytes, needed {needed_bytes:.0f}: some were refused"
        )
