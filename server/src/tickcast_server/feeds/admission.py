"""How many streams may be open: in all, of one client, and of one of its connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tickcast_server.errors import TooManyStreams


class Admission:
    """Counts open streams. Used by one event loop."""

    def __init__(self, *, most: int, most_of_client: int, most_of_connection: int) -> None:
        self._most = most
        self._most_of_client = most_of_client
        self._most_of_connection = most_of_connection
        self._open = 0
        self._of_client: Counter[str] = Counter()
        self._of_connection: Counter[str] = Counter()

    @contextmanager
    def one(self, *, client: str, connection: str) -> Iterator[None]:
        """While a stream is open. Raises `TooManyStreams`."""
        self._check(client, connection)
        self._open += 1
        self._of_client[client] += 1
        self._of_connection[connection] += 1
        try:
            yield
        finally:
            self._open -= 1
            _leave(self._of_client, client)
            _leave(self._of_connection, connection)

    def _check(self, client: str, connection: str) -> None:
        # The narrowest first: who can open another connection is told so.
        if self._of_connection[connection] >= self._most_of_connection:
            raise TooManyStreams(
                of=f"connection {connection}", limit=self._most_of_connection, another="channel"
            )
        if self._of_client[client] >= self._most_of_client:
            raise TooManyStreams(of=f"client {client}", limit=self._most_of_client)
        if self._open >= self._most:
            raise TooManyStreams(of="server", limit=self._most)


def _leave(streams: Counter[str], name: str) -> None:
    streams[name] -= 1
    if not streams[name]:
        del streams[name]
