"""The asyncio client of tritonclient: infers and streams. Prints JSON, floats as hexadecimal."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from tritonclient.grpc import InferInput, aio

address, width = sys.argv[1], int(sys.argv[2])


def features() -> Any:
    given = InferInput("features", [1, width], "FP32")
    given.set_data_from_numpy(np.linspace(-1, 1, width, dtype=np.float32).reshape(1, -1))
    return given


def answer(result: Any) -> str:
    value: str = float(result.as_numpy("prediction")[0, 0]).hex()
    return value


async def requests() -> AsyncIterator[dict[str, Any]]:
    for request in ("a", "b"):
        yield {"model_name": "tiny", "inputs": [features()], "request_id": request}


async def main() -> None:
    async with aio.InferenceServerClient(address) as client:
        found: dict[str, Any] = {"features": answer(await client.infer("tiny", [features()]))}
        found["stream"] = [
            [result.get_response().id, answer(result)]
            async for result, _ in client.stream_infer(requests())
        ]
    print(json.dumps(found))


asyncio.run(main())
