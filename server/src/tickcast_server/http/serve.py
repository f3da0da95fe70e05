"""Serves an ASGI application inside the server's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from tickcast_server.http.sockets import listening

# Longer than the pauses of somebody who looks at a page, and than the minute after which common
# load balancers close a connection: it is better closed there, where the requests come from.
_KEEP_ALIVE_SECONDS = 75


class _Server(uvicorn.Server):
    """uvicorn as a part of a process that has signal handlers of its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """One that serves: `leave`, then `closed`."""

    def __init__(self, address: str, server: _Server, serving: asyncio.Task[None]) -> None:
        self.address = address
        self._server = server
        self._serving = serving

    @classmethod
    async def start(
        cls, application: ASGIApp, address: str, *, shared_port: bool, grace: float
    ) -> Self:
        """Serves at `host:port`, where port 0 is one that the system chooses.

        `shared_port` lets other processes listen there as well; calls have `grace` seconds to end
        once it is to leave. Raises `HttpAddressInUse`.
        """
        sockets = listening(address, shared=shared_port)
        port = sockets[0].getsockname()[1]
        config = uvicorn.Config(
            application,
            http="httptools",
            ws="none",
            lifespan="off",
            # What goes wrong reaches the server's log; every call is counted in its metrics.
            log_config=None,
            log_level="warning",
            access_log=False,
            # A header must not decide whose streams are counted.
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=ceil(grace),
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets))
        await server.listens.wait()
        return cls(f"{address.rpartition(':')[0]}:{port}", server, serving)

    def leave(self) -> None:
        """Takes no more connections, and closes each that waits for no answer."""
        self._server.should_exit = True

    async def closed(self) -> None:
        """Returns when no connection is left, or those that are have been cut off."""
        await self._serving
