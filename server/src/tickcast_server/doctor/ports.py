"""Whether the addresses are free, and if not, who has them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from tickcast_server.doctor.finding import Finding
from tickcast_server.settings import Settings


def check(settings: Settings) -> Iterator[Finding]:
    """Every address that a server would listen on."""
    for name, address in (
        ("address", settings.address),
        ("metrics_address", settings.metrics_address),
        ("http_address", settings.http_address),
    ):
        if address:
            yield _address(name, address)


def _address(name: str, address: str) -> Finding:
    host, _, port = address.rpartition(":")
    try:
        _try_to_listen(host.strip("[]"), int(port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _taken(name, address, int(port))
        return Finding(
            "ports",
            "problem",
            f"{name}: nobody can listen on {address} here: {error.strerror}",
            f"set TICKCAST_{name.upper()} to an address of this machine, such as 127.0.0.1:{port}",
        )
    return Finding("ports", "ok", f"{name}: {address} is free")


def _try_to_listen(host: str, port: int) -> None:
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        # Connections of a server that has just ended are in nobody's way.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)


def _taken(name: str, address: str, port: int) -> Finding:
    owner, ours = _owner(port)
    says = f"{name}: {address} is taken by {owner}"
    if ours:
        return Finding("ports", "ok", f"{says}, a server that runs already")
    return Finding(
        "ports",
        "problem",
        says,
        f"end that process, or set TICKCAST_{name.upper()} to another port",
    )


def _owner(port: int) -> tuple[str, bool]:
    """Who listens on a port, and whether it is a server of ours."""
    try:
        process = _listener(port)
        command = process.cmdline() if process else []
    except psutil.Error:
        # macOS tells of the processes of others to nobody but root.
        process, command = None, []
    if process is None:
        return "a process of another user", False
    ours = any(Path(part).name.startswith("tickcast") for part in command)
    return f"process {process.pid} ({' '.join(command)[:80]})", ours


def _listener(port: int) -> psutil.Process | None:
    for connection in psutil.net_connections("tcp"):
        # A connection that is gone has an empty place.
        if connection.status != psutil.CONN_LISTEN or not connection.laddr:
            continue
        if connection.laddr.port == port and connection.pid is not None:
            return psutil.Process(connection.pid)
    return None
