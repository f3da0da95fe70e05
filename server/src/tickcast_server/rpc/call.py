"""One call, as a servicer sees it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from functools import partial
from typing import NoReturn, Protocol

import grpc

from tickcast_server.turn import Loss, Turn

Metadata = Sequence[tuple[str, str | bytes]]

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Context(Protocol):
    """What a call needs of the protocol that brought it. gRPC's own context is one."""

    def peer(self) -> str:
        """Who calls, for example `ipv4:10.0.0.7:41234`."""

    def time_remaining(self) -> float | None:
        """Seconds to the deadline; None without one."""

    def cancelled(self) -> bool: ...

    def set_trailing_metadata(self, trailing_metadata: tuple[tuple[str, str], ...], /) -> None: ...

    async def abort_with_status(self, status: grpc.Status, /) -> NoReturn:
        """Ends the call with this status, by raising."""


class Call:
    """What came with a call beside its message, and its turn."""

    __slots__ = ("_context", "_metadata", "turn")

    def __init__(self, context: Context, metadata: Metadata, turn: Turn) -> None:
        self._context = context
        self._metadata = metadata
        self.turn = turn
        # Not of this object, which holds the turn: both, and the context, which keeps a stream of
        # the connection open, would go only when the garbage collector looks.
        turn.lost = partial(_loss, context)

    @property
    def request_id(self) -> str:
        """The caller's `x-request-id`, or a new one."""
        for key, value in self._metadata:
            if key == "x-request-id" and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
                return value
        return uuid.uuid4().hex

    @property
    def client(self) -> str:
        """The host that calls, for example `ipv4:10.0.0.7`: all of its connections together."""
        peer = self._context.peer()
        return peer if peer.startswith("unix:") else peer.rpartition(":")[0]

    @property
    def connection(self) -> str:
        """The connection that the call came over, for example `ipv4:10.0.0.7:41234`."""
        return self._context.peer()

    def asks_for(self, key: str, value: str = "1") -> bool:
        """Whether the caller has set a switch, such as `tickcast-timing: 1`."""
        return (key, value) in self._metadata

    def loss(self) -> Loss | None:
        """Why nobody waits for the answer any more; None while somebody does."""
        return _loss(self._context)


def _loss(context: Context) -> Loss | None:
    remaining = context.time_remaining()
    if remaining is not None and remaining <= 0:
        return Loss.DEADLINE
    return Loss.CANCELLED if context.cancelled() else None
