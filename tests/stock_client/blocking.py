"""What a user of tritonclient types: list, load, infer raw, infer by symbol, stream.

Prints JSON: floats as hexadecimal, so that no bit is lost.
"""

from __future__ import annotations

import json
import queue
import sys
from typing import Any

import numpy as np
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

address, width = sys.argv[1], int(sys.argv[2])


def features(count: int) -> Any:
    given = grpc.InferInput("features", [1, count], "FP32")
    given.set_data_from_numpy(np.linspace(-1, 1, count, dtype=np.float32).reshape(1, -1))
    return given


def symbol() -> Any:
    given = grpc.InferInput("symbol", [1], "BYTES")
    given.set_data_from_numpy(np.array([b"AAPL"], dtype=np.object_))
    return given


def answer(result: Any) -> str:
    value: str = float(result.as_numpy("prediction")[0, 0]).hex()
    return value


with grpc.InferenceServerClient(address) as client:
    assert client.is_server_live()
    assert client.is_server_ready()
    client.load_model("tiny")
    found: dict[str, Any] = {
        "ready": client.is_model_ready("tiny", "1"),
        "ready of none": client.is_model_ready("none"),
        "index": [row.name for row in client.get_model_repository_index().models],
        "extensions": list(client.get_server_metadata().extensions),
        "inputs": [
            [item.name, item.datatype, list(item.shape)]
            for item in client.get_model_metadata("tiny").inputs
        ],
    }
    config = client.get_model_config("tiny").config
    found["config"] = [config.max_batch_size, [list(item.dims) for item in config.input]]

    output = grpc.InferRequestedOutput("prediction")
    result = client.infer(
        "tiny", [features(width)], outputs=[output], request_id="7", timeout=60_000_000, priority=3
    )
    found["features"] = answer(result)
    found["id"] = result.get_response().id
    found["gzip"] = answer(client.infer("tiny", [features(width)], compression_algorithm="gzip"))
    result = client.infer("tiny", [symbol()])
    found["symbol"] = answer(result)
    found["as of"] = result.get_response().parameters["as_of_time"].int64_param
    for name, given in {"shape": features(width - 1), "sequence": features(width)}.items():
        try:
            client.infer("tiny", [given], sequence_id=5 if name == "sequence" else 0)
        except InferenceServerException as error:
            found[name] = [error.status(), error.message()]

    answers: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for request, given in {"a": features(width), "b": features(3), "c": symbol()}.items():
        client.async_stream_infer("tiny", [given], request_id=request)
    streamed = [answers.get(timeout=30) for _ in range(3)]
    client.stop_stream()
    found["stream"] = [
        [result.get_response().id, answer(result)] if error is None else error.message()
        for result, error in streamed
    ]

    client.start_stream(
        lambda result, error: answers.put((result, error)), headers={"triton_grpc_error": "true"}
    )
    client.async_stream_infer("tiny", [features(3)])
    _, ended = answers.get(timeout=30)
    client.stop_stream()
    found["status of a stream"] = ended.status()

    statistics = client.get_inference_statistics("tiny").model_stats[0]
    found["statistics"] = [
        statistics.inference_stats.success.count,
        statistics.inference_stats.queue.count,
        statistics.inference_stats.fail.count,
    ]
    client.unload_model("tiny")
    found["unloaded"] = [
        [row.state, row.reason] for row in client.get_model_repository_index().models
    ]
    client.load_model("tiny")
    found["loaded again"] = client.is_model_ready("tiny")

print(json.dumps(found))
