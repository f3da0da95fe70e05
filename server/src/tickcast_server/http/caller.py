"""A call over HTTP, as `rpc` sees the calls of gRPC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, cast

import grpc
from connectrpc.code import Code
from connectrpc.errors import ConnectError, ErrorDetail
from connectrpc.request import RequestContext
from google.protobuf import any_pb2, json_format
from google.rpc import status_pb2
from protobuf.wkt import Any as AnyMessage
from protobuf.wkt import Struct

from tickcast_server.rpc.call import Metadata

_DETAILS = "grpc-status-details-bin"

_CODES = {
    grpc.StatusCode.CANCELLED: Code.CANCELED,
    **{code: Code[code.name] for code in grpc.StatusCode if code.name in Code.__members__},
}


class Caller:
    """Stands for gRPC's own context."""

    def __init__(self, context: RequestContext[Any, Any]) -> None:
        self._context = context

    @property
    def metadata(self) -> Metadata:
        """The headers of the request."""
        return tuple(self._context.request_headers.allitems())

    def peer(self) -> str:
        host, _, port = (self._context.client_address or "unknown:0").rpartition(":")
        return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"

    def time_remaining(self) -> float | None:
        remaining = self._context.timeout_ms
        return None if remaining is None else remaining / 1e3

    def cancelled(self) -> bool:
        """Never: the library cancels the task of a call that its caller has left."""
        return False

    def set_trailing_metadata(self, trailing_metadata: tuple[tuple[str, str], ...], /) -> None:
        for key, value in trailing_metadata:
            self._context.response_trailers.add(key, value)

    async def abort_with_status(self, status: grpc.Status, /) -> NoReturn:
        trailers = cast("Mapping[str, bytes]", dict(status.trailing_metadata or ()))
        details = status_pb2.Status.FromString(trailers.get(_DETAILS, b"")).details
        raise ConnectError(_CODES[status.code], status.details, [Detail(item) for item in details])


class Detail(ErrorDetail):
    """A detail of google.rpc, which Connect's JSON shows in plain text as well."""

    def __init__(self, packed: any_pb2.Any) -> None:
        super().__init__(AnyMessage(type_url=packed.type_url, value=packed.value))
        self._packed = packed

    def value(self, *_: Any) -> Any:
        """What it says, as a `Struct`: the library knows no messages of google.protobuf."""
        shown = json_format.MessageToDict(self._packed)
        del shown["@type"]
        return Struct.from_json(json.dumps(shown))
