"""How many streams may be open, in all and of one client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tickcast_server.errors import TooManyStreams


class Admission:
    """Counts open streams. Used by one event loop."""

    def __init__(self, *, most: int, most_of_client: int) -> None:
        self._most = most
        self._most_of_client = most_of_client
        self._open = 0
        self._of_client: dict[str, int] = {}

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        """While a stream is open. Raises `TooManyStreams`."""
        of_client = self._of_client.get(client, 0)
        if of_client >= self._most_of_client:
            raise TooManyStreams(of=f"client {client}", limit=self._most_of_client)
        if self._open >= self._most:
            raise TooManyStreams(of="server", limit=self._most)
        self._open += 1
        self._of_client[client] = of_client + 1
        try:
            yield
        finally:
            self._open -= 1
            left = self._of_client[client] - 1
            if left:
                self._of_client[client] = left
            else:
                del self._of_client[client]
