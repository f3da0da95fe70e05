"""A server that answers any bytes with the same bytes: what Python's RPC layer alone can do.

    python -m benchmarks.common.echo ADDRESS FILE      FILE holds the answer

It has the options, the event loop and the port of a Tickcast server, and nothing behind them.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import grpc
import uvloop
from tickcast_server.rpc.listen import _OPTIONS as OPTIONS


async def serve(address: str, answer: bytes) -> None:
    async def echo(_request: bytes, _context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        return answer

    # The others of several processes listen there too.
    server = grpc.aio.server(options=[*OPTIONS, ("grpc.so_reuseport", 1)])
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
    uvloop.run(serve(sys.argv[1], Path(sys.argv[2]).read_bytes()))
