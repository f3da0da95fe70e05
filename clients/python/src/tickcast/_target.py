"""Where a client's servers are: one address, several, or a name that gRPC resolves."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from tickcast._channel import DEFAULT_TARGET, TARGET_VARIABLE

_SCHEME = re.compile(r"(dns|ipv4|ipv6|unix|unix-abstract|vsock|xds):")
_ENDPOINT = re.compile(r"(?P<host>\[[^\]]+\]|[^:\[\]]+):(?P<port>\d+)")


@dataclass(frozen=True, slots=True)
class Target:
    """What a client connects to."""

    given: str
    """As the caller wrote it."""

    uri: str
    """As gRPC takes it."""

    hosts: tuple[str, ...]
    """The hosts that the caller named; empty for what only gRPC understands."""

    balanced: bool
    """Whether calls are spread over all addresses, and not sent to the first that answers."""

    @property
    def local(self) -> bool:
        """Whether nothing that is sent leaves this machine."""
        if self.given.startswith(("unix:", "unix-abstract:")):
            return True
        return bool(self.hosts) and all(map(_is_loopback, self.hosts))


def parse_target(target: str | None) -> Target:
    """The target given, or that of the environment variable TICKCAST_TARGET, or localhost:50051.

    Raises `ValueError` for several addresses that cannot be used together.
    """
    given = target or os.environ.get(TARGET_VARIABLE) or DEFAULT_TARGET
    scheme = _SCHEME.match(given)
    endpoints = [item.strip() for item in given.rpartition("/")[2].split(",")]
    if scheme:
        own = scheme[1] in {"ipv4", "ipv6"}
        hosts = _hosts([item.removeprefix(scheme[0]) for item in endpoints])
        return Target(given, given, hosts, balanced=scheme[1] == "dns" or (own and len(hosts) > 1))
    hosts = _hosts(endpoints)
    if len(endpoints) == 1:
        return Target(given, given, hosts, balanced=False)
    if not hosts:
        raise ValueError(f"target: was {given!r}, needed host:port of each server")
    return Target(given, _resolved(endpoints), hosts, balanced=True)


def _hosts(endpoints: Sequence[str]) -> tuple[str, ...]:
    """The host of each endpoint; none where one of them is no host:port."""
    found = [_ENDPOINT.fullmatch(endpoint) for endpoint in endpoints]
    return tuple(match["host"].strip("[]") for match in found if match) if all(found) else ()


def _resolved(endpoints: Sequence[str]) -> str:
    """A target of addresses, since gRPC resolves one name and not several."""
    for scheme, family in (("ipv4", socket.AF_INET), ("ipv6", socket.AF_INET6)):
        found = [_address(endpoint, family) for endpoint in endpoints]
        if all(found):
            return f"{scheme}:{','.join(map(str, found))}"
    raise ValueError(
        f"target: was {','.join(endpoints)!r}, needed hosts that all have an IPv4 address, "
        "or all an IPv6 address"
    )


def _address(endpoint: str, family: socket.AddressFamily) -> str | None:
    host, _, port = endpoint.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), family, socket.SOCK_STREAM)
    except OSError:
        return None
    address = found[0][4][0]
    return f"[{address}]:{port}" if family is socket.AF_INET6 else f"{address}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
