"""The same model behind other servers, each in turn with Tickcast."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from tickcast_server.testing import free_address

from benchmarks.common import h2load, models, processes, wire
from benchmarks.common.h2load import Load, Request
from benchmarks.common.options import Effort, main
from benchmarks.common.processes import NotReady, Running
from benchmarks.common.report import Report, Table, Target, Value
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import (
    MODEL_INFER,
    PREDICT,
    infer_features,
    serving,
    with_features,
)

ROOT = Path(__file__).parents[2]
SETUP = ROOT / "scripts/setup"
ENVIRONMENTS = Path(".venv-peers")
IN_FLIGHT = (1, 32)
OURS_PREDICT, OURS_INFER = "Predict", "ModelInfer"

_READY_SECONDS = 120.0
_CALL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another server: `serve_{program}.py`, run with the environment of that name."""

    title: str
    program: str
    path: str
    """Of the call."""

    asked_as: Sequence[str] = (OURS_PREDICT,)
    """What Tickcast is asked beside it."""

    json: bool = False
    """Whether it is asked with JSON over HTTP/1.1, for want of gRPC."""

    variables: Mapping[str, str] = field(default_factory=dict)


PEERS = (
    Peer(
        title="MLServer, gRPC",
        program="mlserver",
        path=MODEL_INFER,
        asked_as=(OURS_INFER, OURS_PREDICT),
    ),
    Peer(
        title="Ray Serve, gRPC",
        program="ray",
        path=PREDICT,
        # It is asked with our messages.
        variables={
            "PYTHONPATH": f"{ROOT}:{ROOT / 'clients/python/src'}",
            "RAY_USAGE_STATS_ENABLED": "0",
        },
    ),
    Peer(title="LitServe, HTTP", program="litserve", path="/predict", json=True),
    Peer(title="BentoML, HTTP", program="bentoml", path="/predict", json=True),
)


def run(effort: Effort) -> Report:
    with serving() as server:
        ours = {
            OURS_INFER: Request.grpc(server.address, MODEL_INFER, infer_features()),
            OURS_PREDICT: Request.grpc(server.address, PREDICT, with_features("AAPL")),
        }
        found = {peer.title: _beside(peer, ours, effort) for peer in PEERS}
    mlserver = PEERS[0]
    at_32, at_1 = found[mlserver.title][32], found[mlserver.title][1]
    return Report(
        benchmark="peers",
        tables=[
            Table(
                title="One row of 35 features through the same 300 trees; Tickcast over each peer",
                rows=[
                    _row(peer.title, own, found[peer.title])
                    for peer in PEERS
                    for own in peer.asked_as
                ],
            )
        ],
        targets=[
            target
            for own in mlserver.asked_as
            for target in (
                Target(
                    name=f"{own}: calls a second at 32 in flight over MLServer's",
                    found=_rates(at_32, own, mlserver.title).median,
                    at_least=3.0,
                ),
                Target(
                    name=f"{own}: p50 at 1 in flight over MLServer's",
                    found=_medians(at_1, own, mlserver.title).median,
                    at_most=0.5,
                ),
            )
        ],
    )


def environment(program: str) -> Path:
    """The interpreter of a peer's environment, made when it is missing or its lock is newer."""
    folder = ENVIRONMENTS / program
    requirements = Path(f"requirements/peers/{program}.txt")
    ready = folder / ".ready"
    if not ready.exists() or ready.stat().st_mtime < requirements.stat().st_mtime:
        subprocess.run([SETUP, str(folder), str(requirements)], check=True)
        ready.touch()
    return folder / "bin" / "python"


@contextmanager
def started(peer: Peer) -> Iterator[Request]:
    """The peer, once it has answered; yields what it is to be asked."""
    address, spare = free_address(), [free_address(), free_address()]
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder, "request")
        command = [
            *(str(environment(peer.program)), "-m", f"benchmarks.peers.serve_{peer.program}"),
            *("--model", str(models.onnx_file().absolute()), "--request", str(body)),
            *("--port", _port(address), "--spare-ports", *map(_port, spare)),
        ]
        variables = {"PYTHONPATH": str(ROOT), **peer.variables}
        with processes.started(command, variables=variables) as running:
            _wait_until_answering(peer, running, address, body)
            yield Request(
                url=f"http://{address}{peer.path}",
                body=body.read_bytes(),
                content_type="application/json" if peer.json else "application/grpc",
            )


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _wait_until_answering(peer: Peer, running: Running, address: str, body: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        running.check()
        try:
            return _ask(peer, address, body.read_bytes())
        except OSError as error:
            if time.monotonic() > deadline:
                raise NotReady(
                    f"{peer.title} did not answer within {_READY_SECONDS:.0f} s: {error}\n"
                    + running.log.read_text(errors="replace")[-2_000:]
                ) from error
        time.sleep(0.2)


def _ask(peer: Peer, address: str, body: bytes) -> None:
    """One call. Raises `OSError` when it is not answered as it should be."""
    if peer.json:
        return _ask_with_json(peer, address, body)
    connection = wire.Connection(address)
    try:
        connection.call(connection.header_block(peer.path), body[5:])
        deadline = time.perf_counter() + _CALL_SECONDS
        while time.perf_counter() < deadline:
            for _, event, _ in wire.wait([connection], deadline):
                if isinstance(event, wire.End):
                    if event.status != wire.OK:
                        raise ConnectionError(f"the answer was gRPC's code {event.status}")
                    return None
        raise TimeoutError("no answer")
    finally:
        connection.close()


def _ask_with_json(peer: Peer, address: str, body: bytes) -> None:
    connection = HTTPConnection(address, timeout=_CALL_SECONDS)
    try:
        connection.request("POST", peer.path, body, {"content-type": "application/json"})
        if (status := connection.getresponse().status) != HTTPStatus.OK:
            raise ConnectionError(f"the answer was HTTP's status {status}")
    finally:
        connection.close()


def _beside(
    peer: Peer, ours: Mapping[str, Request], effort: Effort
) -> dict[int, dict[str, list[Load]]]:
    with started(peer) as theirs:
        sides = {own: ours[own] for own in peer.asked_as} | {peer.title: theirs}
        return {count: _measure(peer, sides, count, effort) for count in IN_FLIGHT}


def _measure(
    peer: Peer, sides: Mapping[str, Request], in_flight: int, effort: Effort
) -> dict[str, list[Load]]:
    def load(name: str, answer_bytes: float | None = None) -> Load:
        http1 = peer.json and name == peer.title
        return h2load.closed_loop(
            sides[name],
            in_flight=in_flight,
            seconds=effort.seconds,
            # HTTP/1.1 has one call under way on a connection.
            connections=in_flight if http1 else 1,
            answer_bytes=answer_bytes,
            http1=http1,
        )

    # The first loads warm up, and say how long an answer is.
    sizes = {name: load(name).answer_bytes for name in sides}
    return in_turn({name: partial(load, name, sizes[name]) for name in sides}, effort.rounds)


def _row(
    title: str, own: str, loads: Mapping[int, Mapping[str, list[Load]]]
) -> Mapping[str, Value]:
    at_1, at_32 = loads[1], loads[32]
    return {
        "peer": title,
        "Tickcast's": own,
        "calls/s at 32": _rates(at_32, own, title),
        "p50 at 32": _medians(at_32, own, title),
        "p50 at 1": _medians(at_1, own, title),
        "its calls/s at 32": statistics.median(load.calls_per_second for load in at_32[title]),
        "its p50 us at 1": statistics.median(load.latency.p50 for load in at_1[title]),
        "ours": statistics.median(load.calls_per_second for load in at_32[own]),
        "our p50 us at 1": statistics.median(load.latency.p50 for load in at_1[own]),
    }


def _rates(sides: Mapping[str, list[Load]], one: str, other: str) -> Ratio:
    return Ratio.of(
        [load.calls_per_second for load in sides[one]],
        [load.calls_per_second for load in sides[other]],
    )


def _medians(sides: Mapping[str, list[Load]], one: str, other: str) -> Ratio:
    return Ratio.of(
        [load.latency.p50 for load in sides[one]], [load.latency.p50 for load in sides[other]]
    )


if __name__ == "__main__":
    sys.exit(main([run], "peers"))
