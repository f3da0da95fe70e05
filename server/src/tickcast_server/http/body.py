"""What the library hands over and takes: bytes, with the form that they are in.

It would decode messages itself, and of one that it cannot decode we would not hear: it would be
counted nowhere, and refused in other words than over gRPC.
"""

from __future__ import annotations

from typing import NamedTuple

from connectrpc.codec import Codec

from tickcast_server.http.json_form import JSON
from tickcast_server.rpc.form import BINARY, Form


class Body(NamedTuple):
    """A request as it came."""

    data: bytes
    form: Form


class _Unread(Codec[bytes, Body]):
    """Leaves reading and writing to whoever answers the method."""

    def __init__(self, name: str, form: Form) -> None:
        self._name = name
        self._form = form

    def name(self) -> str:
        return self._name

    def encode(self, message: bytes) -> bytes:
        return message

    def decode(self, data: bytes | bytearray, message_class: type[Body]) -> Body:
        return Body(bytes(data), self._form)


CODECS: tuple[Codec[bytes, Body], ...] = (_Unread("proto", BINARY), _Unread("json", JSON))
"""By the end of the content type: `application/proto`, `application/grpc-web+json`."""
