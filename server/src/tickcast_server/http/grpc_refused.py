"""Tells a gRPC client that has come to the HTTP port where gRPC is."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_MESSAGE = (
    "This port speaks Connect and gRPC-Web. gRPC itself needs HTTP/2 with trailers: it is at "
    "the server's other port, TICKCAST_ADDRESS.\n"
)


class GrpcRefused:
    """Middleware: the library would fail for want of trailers, and the log call it our fault."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_grpc(Headers(scope=scope).get("content-type", "")):
            refusal = PlainTextResponse(_MESSAGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_grpc(content_type: str) -> bool:
    return content_type == "application/grpc" or content_type.startswith("application/grpc+")
