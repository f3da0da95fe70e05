"""The ASGI application: methods of the contract, for origins that may ask, and the live page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from tickcast_server.http.body import CODECS, Body
from tickcast_server.http.caller import Caller
from tickcast_server.http.misdirected import Directed, no_such_path, wrong_method
from tickcast_server.http.page import page_routes
from tickcast_server.rpc.handlers import Method
from tickcast_server.rpc.timing import TIMING, TIMING_KEYS
from tickcast_server.turn import Turn
from tickcast_server.waits import Waits

# As gRPC's own limit here (rpc/listen.py).
_MOST_BYTES = 64 * 2**20

# Preflights are asked again after two hours, the longest that browsers allow.
_PREFLIGHT_SECONDS = 7_200

_ASKED = (
    "Connect-Protocol-Version",
    "Connect-Timeout-Ms",
    "Content-Type",
    "Grpc-Timeout",
    TIMING,
    "X-Grpc-Web",
    "X-Request-Id",
    "X-User-Agent",
)
_TOLD = (
    "Grpc-Message",
    "Grpc-Status",
    "Grpc-Status-Details-Bin",
    *(f"Trailer-{key}" for key in TIMING_KEYS),
)


def http_application(
    methods: Mapping[str, Method], *, waits: Waits, origins: Collection[str], page: Path
) -> Starlette:
    """Answers these methods, by path, in Connect and gRPC-Web, and shows the `page` of a folder.

    `origins` may ask from a browser: `https://desk.example` and the like, or `*` for all.
    """
    answering = _Application(methods, waits)
    return Starlette(
        routes=[
            *page_routes(page),
            *(
                Route(path, Directed(answering, streaming=method.streaming))
                for path, method in methods.items()
            ),
        ],
        exception_handlers={
            HTTPStatus.NOT_FOUND: no_such_path,
            HTTPStatus.METHOD_NOT_ALLOWED: wrong_method,
        },
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=tuple(origins),
                allow_methods=("GET", "POST"),
                allow_headers=_ASKED,
                expose_headers=_TOLD,
                max_age=_PREFLIGHT_SECONDS,
            ),
        ],
    )


class _Application(ConnectASGIApplication[Mapping[str, Method]]):
    """The library's, for all services at once."""

    def __init__(self, methods: Mapping[str, Method], waits: Waits) -> None:
        super().__init__(
            service=methods,
            endpoints=lambda service: {
                path: _endpoint(method, waits) for path, method in service.items()
            },
            codecs=CODECS,
            read_max_bytes=_MOST_BYTES,
        )

    @property
    def path(self) -> str:
        return "/"


# The library gives its kinds of endpoints no public name.
def _endpoint(method: Method, waits: Waits) -> Any:
    async def unary(body: Body, context: RequestContext[Body, bytes]) -> bytes:
        turn, caller = Turn(waits.one), Caller(context)
        return await method.unary(caller.metadata, turn, body.data, caller, body.form)

    def stream(body: Body, context: RequestContext[Body, bytes]) -> AsyncGenerator[bytes]:
        turn, caller = Turn(waits.one), Caller(context)
        return method.stream(caller.metadata, turn, body.data, caller, body.form)

    service, _, name = method.name.rpartition("/")
    info: MethodInfo[Any, Any] = MethodInfo(
        name=name,
        service_name=service,
        input=Body,
        output=bytes,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.SERVER_STREAM if method.streaming else StreamType.UNARY,
    )
    if method.streaming:
        return Endpoint.server_stream(info, stream)
    return Endpoint.unary(info, unary)
