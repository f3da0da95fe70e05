"""Whether client and server are of one release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tickcast._connection import Metadata
from tickcast.cli.doctor.finding import Finding, ok, warning

_METHOD = "/inference.GRPCInferenceService/ServerMetadata"
_PATIENCE = 5.0


def check(channel: Any, metadata: Metadata) -> Iterator[Finding]:
    """The server's version is in its answer to the Open Inference Protocol."""
    ours = version("tickcast")
    ask = channel.unary_unary(_METHOD, bytes, _parser())
    try:
        theirs = ask(b"", timeout=_PATIENCE, metadata=metadata).version
    except grpc.RpcError as error:
        yield warning(
            "versions",
            f"the server does not tell its version: {error.code().name}",
            f"compare it yourself with this client's, {ours}",
        )
        return
    if theirs == ours:
        yield ok("versions", f"client and server are both {ours}")
    else:
        yield warning(
            "versions",
            f"the client is {ours}, the server {theirs}",
            f"pip install 'tickcast=={theirs}'",
        )


def _parser() -> Callable[[bytes], Any]:
    """Of a ServerMetadataResponse, what is read here.

    In a pool of its own: the protocol's package is that of every program that speaks it.
    """
    file = FileDescriptorProto(name="server_metadata.proto", package="inference", syntax="proto3")
    message = file.message_type.add(name="ServerMetadataResponse")
    for number, name in enumerate(("name", "version"), start=1):
        message.field.add(
            name=name,
            number=number,
            type=FieldDescriptorProto.TYPE_STRING,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
        )
    pool = DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("inference.ServerMetadataResponse")
    parsed: type[Message] = GetMessageClass(descriptor)
    return parsed.FromString
