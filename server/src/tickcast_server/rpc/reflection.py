"""Server reflection, v1 and v1alpha, over the contract and the Open Inference Protocol.

The two are in descriptor pools of their own, of which grpc_reflection takes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from tickcast_server.rpc.inference.protocol.pool import POOL

Found = TypeVar("Found")

V1 = "grpc.reflection.v1.ServerReflection"
V1ALPHA: str = reflection.SERVICE_NAME


def add_reflection(services: Sequence[str], server: grpc.aio.Server) -> None:
    """Lets callers list and describe these services."""
    names = [*services, V1, V1ALPHA]
    servicer = reflection.aio.ReflectionServicer(names, pool=_BothPools())
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
    # v1 has the messages of v1alpha under another name, field by field.
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": handler})]
    )


class _BothPools:
    """What grpc_reflection asks of a pool, answered by the first that knows."""

    def FindFileByName(self, name: str) -> FileDescriptor:  # the pool's own name
        return _first(lambda pool: pool.FindFileByName(name))

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:
        return _first(lambda pool: pool.FindFileContainingSymbol(symbol))

    def FindMessageTypeByName(self, name: str) -> Descriptor:
        return _first(lambda pool: pool.FindMessageTypeByName(name))

    def FindExtensionByNumber(self, message: Descriptor, number: int) -> FieldDescriptor:
        return message.file.pool.FindExtensionByNumber(message, number)

    def FindAllExtensions(self, message: Descriptor) -> list[FieldDescriptor]:
        return message.file.pool.FindAllExtensions(message)


def _first(find: Callable[[DescriptorPool], Found]) -> Found:
    try:
        return find(descriptor_pool.Default())
    except KeyError:
        return find(POOL)
