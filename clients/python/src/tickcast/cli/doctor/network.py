"""Whether the target's name means something, and whether anybody listens there."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from tickcast._target import Target
from tickcast.cli.doctor.finding import Finding, ok, problem

_PATIENCE = 3.0


def check(target: Target) -> Iterator[Finding]:
    """One finding for each address that was given; none for a socket of this machine."""
    for host, port in endpoints(target):
        yield _endpoint(host, port, target)


def endpoints(target: Target) -> list[tuple[str, int]]:
    """Host and port of each address that was given; none for what only gRPC understands."""
    ports = [item.rpartition(":")[2] for item in target.given.split(",")]
    return [(host, int(port)) for host, port in zip(target.hosts, ports, strict=False)]


def _endpoint(host: str, port: int, target: Target) -> Finding:
    where = f"{host}:{port}"
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return problem(
            "network",
            f"the name {host} has no address: {error.strerror or error}",
            "correct --target or TICKCAST_TARGET, or give the name an address in DNS",
        )
    begin = time.perf_counter()
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except TimeoutError:
        return problem(
            "network",
            f"{where} does not answer within {_PATIENCE:g} s",
            f"see whether a firewall keeps port {port} closed, and whether the machine is up",
        )
    except OSError as error:
        return problem(
            "network",
            f"nobody listens at {where}: {error.strerror or error}",
            "start a server: tickcast serve" if target.local else "start the server there",
        )
    milliseconds = 1e3 * (time.perf_counter() - begin)
    return ok("network", f"{where} accepts connections, within {milliseconds:.1f} ms")
