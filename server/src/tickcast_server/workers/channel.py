"""What supervisor and worker say to each other: JSON, a line each, over a socket of their own.

When one of them ends, however that comes about, the other reads the channel's end.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

from pydantic import TypeAdapter

from tickcast_server.serving.registry.follower import RegistryStatus

# Of one message: the names of all loaded versions are in one.
_LONGEST = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """From the supervisor, first of all: who the worker is."""

    number: int
    """From 1, and its own while it runs."""

    settings: str
    """`Settings.revealed`. Here, since others can read a command line or an environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """From the worker, once it serves."""

    loaded_versions: list[str]
    """Names of the versions that answer."""


Message = Assignment | Ready | RegistryStatus

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


class Channel:
    """One end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        """The end that this socket is."""
        return cls(*await asyncio.open_connection(sock=end, limit=_LONGEST))

    def send(self, message: Message) -> None:
        """Sends without waiting. What the other side does not read any more is lost."""
        self._writer.write(_MESSAGE.dump_json(message) + b"\n")

    async def receive(self) -> Message | None:
        """The next message; None when the other side is gone."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        return _MESSAGE.validate_json(line) if line else None

    async def messages(self) -> AsyncIterator[Message]:
        """Every message, until the other side is gone."""
        while (message := await self.receive()) is not None:
            yield message

    def close(self) -> None:
        """Lets the other side read the end."""
        self._writer.close()
