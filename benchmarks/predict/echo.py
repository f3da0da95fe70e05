"""A server that answers with the bytes that it was sent: what the RPC layer alone can do."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import grpc
import uvloop


async def echo(data: bytes, _context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
    return data


async def serve(address: str) -> None:
    server = grpc.aio.server()
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo)
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", handlers),))
    server.add_insecure_port(address)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await server.start()
    await stop.wait()
    await server.stop(0)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
