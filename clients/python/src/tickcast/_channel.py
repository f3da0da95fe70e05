"""How a server is reached: where by default, deadlines, retries, keepalive.

Deadlines and retries per method come from `v1/service_config.json`, which is part of the contract.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any

DEFAULT_TARGET = "localhost:50051"
TARGET_VARIABLE = "TICKCAST_TARGET"

# Of methods that the service configuration does not name, in seconds.
_DEFAULT_TIMEOUT = 2.0

DEFAULT_PATIENCE = timedelta(minutes=5)
"""How long a stream tries to go on by itself."""

_MIB = 2**20


def default_timeout(path: str) -> float:
    """Seconds that a call of the method at `path`, /service/method, has when nobody says."""
    timeouts = _timeouts()
    service, _, _method = path.removeprefix("/").partition("/")
    return timeouts.get(path, timeouts.get(f"/{service}/", _DEFAULT_TIMEOUT))


def channel_options(
    *, balanced: bool = False, server_name: str | None = None
) -> list[tuple[str, Any]]:
    """Options of both kinds of channel.

    `balanced` spreads calls over all addresses of the target. `server_name` is that in the server's
    certificate, where it is not the target's host.
    """
    spread: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]} if balanced else {}
    name = [("grpc.ssl_target_name_override", server_name)] if server_name else []
    return [
        ("grpc.service_config", json.dumps(_retries_alone() | spread)),
        # Or else channels to the same target would share a connection, and its limits.
        ("grpc.use_local_subchannel_pool", 1),
        *name,
        # A request larger than this buffer is never retried; 5,000 bars are half a MiB.
        ("grpc.per_rpc_retry_buffer_size", 16 * _MIB),
        ("grpc.max_receive_message_length", 64 * _MIB),
        ("grpc.max_send_message_length", 64 * _MIB),
        # A connection that died without a word is noticed within 15 s, in use or not. The server
        # allows a ping every 10 s.
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # A server that was restarted is found again soon, not after two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 2_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]


@cache
def _timeouts() -> Mapping[str, float]:
    """Seconds by /service/method, and by /service/ for all of its methods."""
    return {
        f"/{name['service']}/{name.get('method', '')}": float(method["timeout"].removesuffix("s"))
        for method in _service_config()["methodConfig"]
        for name in method["name"]
        if "timeout" in method
    }


def _retries_alone() -> dict[str, Any]:
    # A timeout here would be the most that a caller can ask for; ours is only the default.
    return {
        "methodConfig": [
            {key: value for key, value in method.items() if key != "timeout"}
            for method in _service_config()["methodConfig"]
        ]
    }


@cache
def _service_config() -> dict[str, Any]:
    text = resources.files("tickcast.v1").joinpath("service_config.json").read_text()
    config: dict[str, Any] = json.loads(text)
    return config
