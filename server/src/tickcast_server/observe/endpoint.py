"""Metrics over HTTP, for Prometheus to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, start_http_server


class MetricsAddressInUse(OSError):
    """The metrics address cannot be listened on. The message says which."""


@asynccontextmanager
async def metrics_served(address: str, registry: CollectorRegistry) -> AsyncIterator[str]:
    """While the metrics can be read; gives the `host:port`, chosen by the system for port 0.

    For an empty address they cannot, and it gives that. Raises `MetricsAddressInUse`.
    """
    if not address:
        yield ""
        return
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host, registry=registry)
    except OSError as error:
        raise MetricsAddressInUse(
            f"the metrics address {address} cannot be listened on: {error}; set "
            "TICKCAST_METRICS_ADDRESS to another one, or to nothing"
        ) from error

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    try:
        yield f"{host}:{server.server_port}"
    finally:
        await asyncio.to_thread(close)
