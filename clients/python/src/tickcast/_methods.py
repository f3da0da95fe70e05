"""The methods of the contract, as channels want them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tickcast.v1 import (
    feature_service_pb2,
    market_data_service_pb2,
    model_service_pb2,
    prediction_service_pb2,
)

_FILES = (
    feature_service_pb2,
    market_data_service_pb2,
    model_service_pb2,
    prediction_service_pb2,
)


@dataclass(frozen=True, slots=True)
class Method:
    """What a channel needs to know of a method."""

    path: str
    """The method as gRPC names it: /service/method."""

    server_streaming: bool
    """Whether many responses follow one request."""

    serialize: Callable[[Message], bytes]
    """Encodes a request."""

    parse: Callable[[bytes], Message]
    """Decodes a response."""


def methods() -> Mapping[str, Method]:
    """Every method of the contract, by path."""
    found = {}
    for file in _FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                path = f"/{service.full_name}/{method.name}"
                found[path] = Method(
                    path=path,
                    server_streaming=method.server_streaming,
                    serialize=GetMessageClass(method.input_type).SerializeToString,
                    parse=GetMessageClass(method.output_type).FromString,
                )
    return found
