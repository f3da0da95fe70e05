"""What the server says of its own health."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tickcast._connection import Metadata
from tickcast.cli.doctor.finding import Finding, ok, problem
from tickcast.cli.session import Session

_STORE = "tickcast.v1.MarketDataService"
_PATIENCE = 5.0


def check(session: Session, channel: Any, metadata: Metadata) -> Iterator[Finding]:
    """The server as a whole, then whether it can store bars."""
    try:
        serving = _serving(channel, "", metadata)
    except grpc.RpcError as error:
        yield _no_answer(session, error)
        return
    if not serving:
        yield problem("health", "the server is shutting down", "start it again: tickcast serve")
        return
    yield ok("health", "the server serves")
    if not _serving(channel, _STORE, metadata):
        yield problem(
            "health",
            "the server has lost its store: predictions go on, bars cannot be stored",
            "on the server's machine: tickcast doctor machine",
        )


def _serving(channel: Any, service: str, metadata: Metadata) -> bool:
    request = health_pb2.HealthCheckRequest(service=service)
    answer = health_pb2_grpc.HealthStub(channel).Check(
        request, timeout=_PATIENCE, metadata=metadata
    )
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _no_answer(session: Session, error: grpc.RpcError) -> Finding:
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return problem(
            "health",
            "a gRPC server answers, but it is none of Tickcast",
            "correct --target or TICKCAST_TARGET",
        )
    return problem(
        "health",
        f"no gRPC comes about: {error.code().name}: {error.details()}",
        "compare --tls-ca and --tls-server-name with the server's certificate; "
        "leave them out if it has none"
        if session.tls
        else "if the server has a certificate: --tls-ca FILE; else see what listens there",
    )
