"""A gRPC server that answers every method with an empty message, and remembers who asked.

What a call looks like on the wire is no concern of a Tickcast server, so it cannot tell a test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"


@dataclass(frozen=True, kw_only=True)
class RecordedCall:
    """A call as it came."""

    method: str
    peer: str
    metadata: dict[str, str | bytes]
    seconds_left: float


@dataclass(kw_only=True)
class Recording:
    """What a server has been asked."""

    address: str = ""
    calls: list[RecordedCall] = field(default_factory=list)
    cancelled: int = 0

    held: int = 0
    """How many of the next calls are not answered until they are released."""

    released: asyncio.Event = field(default_factory=asyncio.Event)

    unavailable: int = 0
    """How many of the next calls are refused as if the server were away."""

    async def answer(self, call: RecordedCall, context: Context) -> bytes:
        """Takes a call in, and treats it as the test has said."""
        self.calls.append(call)
        if self.held:
            self.held -= 1
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        elif self.unavailable:
            self.unavailable -= 1
            # Pushed back for longer than anybody waits, so that gRPC does not repeat it by itself.
            context.set_trailing_metadata([("grpc-retry-pushback-ms", "-1")])
            await context.abort(grpc.StatusCode.UNAVAILABLE, "as the test has said")
        return b""


class _EveryMethod(grpc.GenericRpcHandler):
    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def service(self, details: grpc.HandlerCallDetails) -> Handler:
        async def answer(_: bytes, context: Context) -> bytes:
            call = RecordedCall(
                method=details.method,
                peer=context.peer(),
                metadata=dict(context.invocation_metadata() or ()),
                seconds_left=context.time_remaining(),
            )
            return await self._recording.answer(call, context)

        return grpc.unary_unary_rpc_method_handler(answer)


@asynccontextmanager
async def recording_server(
    credentials: grpc.ServerCredentials | None = None,
) -> AsyncIterator[Recording]:
    """A server on a free port, until the end."""
    recording = Recording()
    server = grpc.aio.server(handlers=[_EveryMethod(recording)])
    port = (
        server.add_insecure_port("127.0.0.1:0")
        if credentials is None
        else server.add_secure_port("127.0.0.1:0", credentials)
    )
    recording.address = f"127.0.0.1:{port}"
    await server.start()
    try:
        yield recording
    finally:
        await server.stop(0)
