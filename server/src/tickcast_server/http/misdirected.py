"""Tells who asks in another way than the port understands how to ask.

The library would answer with a status and no body, and to gRPC not at all.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_EXAMPLE = "/tickcast.v1.PredictionService/Predict"

_GRPC_WEB = ("application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json")
_UNARY = ("application/json", "application/proto")
_STREAMING = ("application/connect+json", "application/connect+proto")


class Directed:
    """Lets through to a method's application what is sent as the method needs it."""

    def __init__(self, app: ASGIApp, *, streaming: bool) -> None:
        self._app = app
        self._needed = (*(_STREAMING if streaming else _UNARY), *_GRPC_WEB)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        if scope["method"] != "POST":
            return _wrong_method(scope["method"], needed="POST")
        found = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        if found in self._needed:
            return None
        if found.partition("+")[0] == "application/grpc":
            return _refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "content-type: was that of gRPC, which needs HTTP/2 with trailers: it is at the "
                "server's other port, TICKCAST_ADDRESS",
            )
        return _refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"content-type: was {found!r}, needed one of {', '.join(self._needed)}",
        )


async def no_such_path(request: Request, _error: Exception) -> JSONResponse:
    """The answer to a path that is no method's."""
    return _refusal(
        HTTPStatus.NOT_FOUND,
        f"path: was {request.url.path}, needed that of a method, such as {_EXAMPLE}",
    )


async def wrong_method(request: Request, _error: Exception) -> JSONResponse:
    """The answer to who sends something to the page."""
    return _wrong_method(request.method, needed="GET")


def _wrong_method(found: str, *, needed: str) -> JSONResponse:
    return _refusal(
        HTTPStatus.METHOD_NOT_ALLOWED,
        f"method: was {found}, needed {needed}",
        headers={"allow": needed},
    )


# An error in Connect's form, so that its clients show the message: the request does not fit any
# method that is there.
def _refusal(
    status: HTTPStatus, message: str, *, headers: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"code": "unimplemented", "message": message}, status, headers)
