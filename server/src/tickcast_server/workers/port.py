"""One port for several processes, reserved by one that never listens on it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tickcast_server.rpc.listen import cannot_listen

# Of a name with several addresses, those that this machine does not have are left out.
_NOT_HERE = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


@contextmanager
def reserved(address: str, refusal: Callable[[str], OSError] = cannot_listen) -> Iterator[str]:
    """While processes of this user may share the address, and no others may listen on it.

    Gives it as `host:port`, with the port chosen by the system for port 0. Raises the `refusal` of
    the address, also when what listens there would share the port.
    """
    host, _, port = address.rpartition(":")
    with ExitStack() as stack:
        try:
            found = _reserve(stack, host, int(port))
        except OSError as error:
            raise refusal(address) from error
        yield f"{host}:{found}"


def _reserve(stack: ExitStack, host: str, port: int) -> int:
    missing: OSError | None = None
    bound = False
    for family, target in _targets(host, port):
        try:
            reservation = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            # The first of several has chosen the port.
            _bind(reservation, (target[0], port, *target[2:]))
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            missing = error
        else:
            port = reservation.getsockname()[1]
            bound = True
    if missing is not None and not bound:
        raise missing
    return port


def _targets(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    found = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return [(family, target) for family, _, _, _, target in found]


def _bind(reservation: socket.socket, target: tuple[Any, ...]) -> None:
    # Connections of a server that has ended are no obstacle.
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(target)
    # Not before: two who share a port from the beginning do not notice each other, and port 0 could
    # be one that is shared already.
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
