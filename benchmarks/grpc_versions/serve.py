"""One grpc.aio server under uvloop, pinned to one core.

Run by `run.py` inside the environment of the version under test. It calls each of its methods once
before it reports ready, so that a load of failing calls is never mistaken for a fast server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import uvloop

SERVICE = "tickcast.benchmark.Benchmark"
STREAM_MESSAGES = 1_000
ECHO_BODY = bytes(range(256))
FRAME_HEADER_BYTES = 5


class BenchmarkService:
    """The three methods; `messages` is the generated module of `quote.proto`."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages
        self._tick = messages.Tick(symbol="AAPL", price=189.84)
        self._tick.time.FromNanoseconds(time.time_ns())

    async def predict(self, request: Any, _context: Any) -> Any:
        now = time.time_ns()
        response = self._messages.PredictResponse(
            symbol=request.symbol,
            timeframe="1d",
            horizon_bars=5,
            last_close=189.84,
            predicted_return=0.0031,
            predicted_price=190.43,
            lower_return=-0.021,
            upper_return=0.027,
            coverage=0.9,
            direction_probability=0.517,
            model_version=request.model,
            feature_set="core-1-1f0c6d2a",
        )
        response.as_of_time.FromNanoseconds(now)
        response.target_time.FromNanoseconds(now + 432_000_000_000_000)
        response.served_time.FromNanoseconds(now)
        return response

    async def echo(self, request: bytes, _context: Any) -> bytes:
        return request

    async def stream(self, _request: Any, _context: Any) -> AsyncIterator[Any]:
        for _ in range(STREAM_MESSAGES):
            yield self._tick

    def handlers(self) -> grpc.GenericRpcHandler:
        """The handler table: Predict and Stream with protobuf, Echo with bytes as they come."""
        decode = self._messages.PredictRequest.FromString
        predict = grpc.unary_unary_rpc_method_handler(
            self.predict, decode, self._messages.PredictResponse.SerializeToString
        )
        echo: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self.echo)
        stream = grpc.unary_stream_rpc_method_handler(
            self.stream, decode, self._messages.Tick.SerializeToString
        )
        return grpc.method_handlers_generic_handler(
            SERVICE, {"Predict": predict, "Echo": echo, "Stream": stream}
        )


async def _reply_bytes(port: int, bodies: dict[str, bytes]) -> dict[str, int]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        predict_call = channel.unary_unary(f"/{SERVICE}/Predict", bytes, bytes)
        echo_call = channel.unary_unary(f"/{SERVICE}/Echo", bytes, bytes)
        stream_call = channel.unary_stream(f"/{SERVICE}/Stream", bytes, bytes)
        predict = await predict_call(bodies["Predict"])
        echo = await echo_call(bodies["Echo"])
        ticks = [tick async for tick in stream_call(bodies["Stream"])]
    if echo != ECHO_BODY or len(ticks) != STREAM_MESSAGES:
        raise RuntimeError(
            f"self-check was {len(echo)} echoed bytes and {len(ticks)} messages,"
            f" needed {len(ECHO_BODY)} and {STREAM_MESSAGES}"
        )
    return {
        "Predict": FRAME_HEADER_BYTES + len(predict),
        "Echo": FRAME_HEADER_BYTES + len(echo),
        "Stream": sum(FRAME_HEADER_BYTES + len(tick) for tick in ticks),
    }


def _frame(body: bytes) -> bytes:
    return b"\0" + len(body).to_bytes(4, "big") + body


async def _serve(folder: Path) -> None:
    messages = import_module("quote_pb2")
    request = messages.PredictRequest(symbol="AAPL", model="ridge-daily-3").SerializeToString()
    bodies = {"Predict": request, "Echo": ECHO_BODY, "Stream": request}
    for name, body in bodies.items():
        (folder / f"{name}.body").write_bytes(_frame(body))

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((BenchmarkService(messages).handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ready = {
        "port": port,
        "service": SERVICE,
        "stream_messages": STREAM_MESSAGES,
        "reply_bytes": await _reply_bytes(port, bodies),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()

    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await server.stop(grace=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="holds quote_pb2.py")
    parser.add_argument("--core", type=int, required=True, help="the core to run on")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    sys.path.insert(0, str(arguments.folder))
    uvloop.run(_serve(arguments.folder))


if __name__ == "__main__":
    main()
