"""How messages are written on the wire. gRPC knows one form; other protocols have others."""

from __future__ import annotations

from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from tickcast_server.errors import InvalidRequest

Kind = TypeVar("Kind", bound=Message)


class Form(Protocol):
    """Reads requests and writes answers."""

    def read(self, data: bytes, kind: type[Kind]) -> Kind:
        """The request in `data`. Raises `InvalidRequest`."""

    def write(self, message: Message) -> bytes: ...

    def rewrite(self, data: bytes, kind: type[Message]) -> bytes:
        """What `Binary` has written, in this form."""


class Binary:
    """The protobuf wire format."""

    def read(self, data: bytes, kind: type[Kind]) -> Kind:
        try:
            return kind.FromString(data)
        except DecodeError as error:
            raise unreadable(f"was {len(data)} bytes that are no message", kind) from error

    def write(self, message: Message) -> bytes:
        return message.SerializeToString()

    def rewrite(self, data: bytes, kind: type[Message]) -> bytes:
        return data


BINARY = Binary()


def unreadable(found: str, kind: type[Message]) -> InvalidRequest:
    """What to raise for a request that is not written as its form asks."""
    return InvalidRequest.of("request", f"{found}, needed a {kind.DESCRIPTOR.full_name}")
