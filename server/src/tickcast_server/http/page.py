"""The live page of clients/web, as `make web` built it into this package."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

BUILT = Path(__file__).parents[1] / "page"
"""Where `make web` builds it to."""

# All that the page loads and asks is this server's own.
_ALLOWED = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_SAFE = {
    "content-security-policy": _ALLOWED,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

# The name of an asset has a digest of what is in it. What names the assets is asked for again.
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def page_routes(folder: Path) -> list[Route]:
    """The page that is built in `folder`, at `/`; while none is, `/` says how to build it."""
    files = StaticFiles(directory=folder, check_dir=False)

    async def file(name: str, request: Request, *, caching: str) -> Response:
        response = await files.get_response(name, request.scope)
        response.headers.update({**_SAFE, "cache-control": caching})
        return response

    async def index(request: Request) -> Response:
        try:
            return await file("index.html", request, caching=_ASK_AGAIN)
        except HTTPException as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            return _not_built()

    async def asset(request: Request) -> Response:
        return await file(f"assets/{request.path_params['name']}", request, caching=_FOR_EVER)

    compressed = [Middleware(GZipMiddleware)]
    return [
        Route("/", index, methods=["GET"], middleware=compressed),
        Route("/assets/{name}", asset, methods=["GET"], middleware=compressed),
    ]


def _not_built() -> JSONResponse:
    return JSONResponse(
        {
            "code": "unimplemented",
            "message": "path: was /, where the live page is once it is built: 'make web' builds it "
            "in a checkout of Tickcast, with Node.js 20.19 or later. Without it, needed the path "
            "of a method, such as /tickcast.v1.PredictionService/Predict",
        },
        HTTPStatus.NOT_FOUND,
    )
