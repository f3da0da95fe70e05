"""What a Valkey or Redis is: its release, and whether it keeps what it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from tickcast_server.errors import StoreUnavailable

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTraits:
    """What the store says of itself; "unknown" where it does not let us ask."""

    product: str
    """"valkey" or "redis"."""

    version: tuple[int, ...]
    cluster: bool
    appendonly: str
    appendfsync: str
    maxmemory_policy: str

    @property
    def durable(self) -> bool:
        """Whether what it has acknowledged is on disk."""
        return (self.appendonly, self.appendfsync) == ("yes", "always")

    @property
    def evicts(self) -> bool:
        """Whether it throws values away to make room."""
        return self.maxmemory_policy not in {"noeviction", _UNKNOWN}


def read_traits(url: str, *, timeout: float) -> StoreTraits:
    """Asks the store at `url`. Raises `StoreUnavailable`."""
    client = Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    try:
        with client:
            about = cast("Mapping[str, Any]", client.info())
            return _traits(about, {name: _configured(client, name) for name in _NAMES})
    except (RedisError, ValueError) as error:
        raise StoreUnavailable(str(error)) from error


_NAMES = ("appendonly", "appendfsync", "maxmemory-policy")


def _traits(about: Mapping[str, Any], config: Mapping[str, str]) -> StoreTraits:
    # Valkey names a release of Redis as well, for clients that know only that.
    product = "valkey" if "valkey_version" in about else "redis"
    return StoreTraits(
        product=product,
        version=tuple(map(int, str(about[f"{product}_version"]).split("."))),
        cluster=bool(about.get("cluster_enabled")),
        appendonly=config["appendonly"],
        appendfsync=config["appendfsync"],
        maxmemory_policy=config["maxmemory-policy"],
    )


def _configured(client: Redis, name: str) -> str:
    try:
        found = cast("Mapping[str, str]", client.config_get(name))
    except ResponseError:
        # Where a provider keeps the configuration to itself.
        return _UNKNOWN
    return found.get(name, _UNKNOWN)
