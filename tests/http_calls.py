"""Calls over plain HTTP: Connect and gRPC-Web, written out by hand as their specifications say."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2

JSON = {"content-type": "application/json"}
PROTO = {"content-type": "application/proto"}
GRPC_WEB = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}

_HEAD = struct.Struct(">BI")
_CONNECT_END = 0x02
_GRPC_WEB_END = 0x80


def url(address: str, method: str) -> str:
    """Where a method, such as `PredictionService/Predict`, is asked."""
    return f"http://{address}/tickcast.v1.{method}"


def frame(data: bytes) -> bytes:
    """A message of a stream, as both protocols write it."""
    return _HEAD.pack(0, len(data)) + data


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a stream has sent: a message, or its end."""

    data: bytes
    ends: bool


async def frames(response: httpx.Response) -> AsyncGenerator[Frame]:
    """The messages of a stream, and last what it ended with."""
    buffer = b""
    async for chunk in response.aiter_bytes():
        buffer += chunk
        while len(buffer) >= _HEAD.size:
            flags, size = _HEAD.unpack_from(buffer)
            end = _HEAD.size + size
            if len(buffer) < end:
                break
            ends = bool(flags & (_CONNECT_END | _GRPC_WEB_END))
            yield Frame(data=buffer[_HEAD.size : end], ends=ends)
            buffer = buffer[end:]


def connect_status(body: bytes) -> status_pb2.Status:
    """The status in an error of Connect, or in what ends one of its streams."""
    said: Mapping[str, Any] = json.loads(body)
    said = said.get("error", said)
    status = status_pb2.Status(
        code=code_pb2.Code.Value(said["code"].upper().replace("CANCELED", "CANCELLED")),
        message=said.get("message", ""),
    )
    for item in said.get("details", []):
        status.details.add(
            type_url=f"type.googleapis.com/{item['type']}",
            value=base64.b64decode(item["value"] + "=="),
        )
    return status


def grpc_web_status(trailers: bytes) -> status_pb2.Status:
    """The status in what ends an answer of gRPC-Web."""
    lines = dict(line.split(": ", 1) for line in trailers.decode().strip().split("\r\n"))
    if "grpc-status-details-bin" not in lines:
        return status_pb2.Status(code=int(lines["grpc-status"]))
    return status_pb2.Status.FromString(base64.b64decode(lines["grpc-status-details-bin"] + "=="))


async def ask_json(address: str, method: str, message: Message) -> httpx.Response:
    """One unary call, in JSON."""
    body = json_format.MessageToJson(message)
    async with httpx.AsyncClient() as client:
        return await client.post(url(address, method), content=body, headers=JSON)
