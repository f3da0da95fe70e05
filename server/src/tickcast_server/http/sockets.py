"""The sockets that HTTP is served on."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from typing import Any

_BACKLOG = 2_048

# Of a name with several addresses, those that this machine does not have are left out.
_NOT_HERE = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


class HttpAddressInUse(OSError):
    """The HTTP address cannot be listened on. The message says which."""


def cannot_listen(address: str) -> HttpAddressInUse:
    """What to raise when HTTP cannot be served at this address."""
    return HttpAddressInUse(
        f"the HTTP address {address} cannot be listened on; is another server running there? "
        "Set TICKCAST_HTTP_ADDRESS to another one, or to nothing"
    )


def listening(address: str, *, shared: bool) -> list[socket.socket]:
    """A socket for each address of `host:port`, all with one port, chosen by the system for port 0.

    `shared` lets other processes listen there as well. Raises `HttpAddressInUse`.
    """
    host, _, text = address.rpartition(":")
    port = int(text)
    missing: OSError | None = None
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        try:
            for family, target in _targets(host, port):
                try:
                    found = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
                    _listen(found, (target[0], port, *target[2:]), shared=shared)
                except OSError as error:
                    if error.errno not in _NOT_HERE:
                        raise
                    missing = error
                else:
                    port = found.getsockname()[1]
                    sockets.append(found)
            if missing is not None and not sockets:
                raise missing
        except OSError as error:
            raise cannot_listen(address) from error
        opened.pop_all()
        return sockets


def _targets(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    found = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return [(family, target) for family, _, _, _, target in found]


def _listen(listener: socket.socket, target: tuple[Any, ...], *, shared: bool) -> None:
    # Connections of a server that has ended are no obstacle.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(target)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
