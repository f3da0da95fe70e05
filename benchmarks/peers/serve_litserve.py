"""LitServe with one worker and its quick API, asked over HTTP with JSON."""

from __future__ import annotations

import json
from pathlib import Path

import litserve
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.graph import Arguments, Graph, arguments


class OnnxApi(litserve.LitAPI):  # type: ignore[misc]  # it comes without types
    def __init__(self, model: Path) -> None:
        super().__init__()
        self.model = model

    def setup(self, device: str) -> None:
        self.graph = Graph(self.model)

    def decode_request(self, request: dict[str, list[float]]) -> NDArray[np.float32]:
        return np.asarray(request["features"], dtype=np.float32).reshape(1, -1)

    def predict(self, row: NDArray[np.float32]) -> float:
        return float(self.graph.run(row)[0, 0])

    def encode_response(self, prediction: float) -> dict[str, float]:
        return {"prediction": prediction}


def write_request(given: Arguments) -> None:
    row: list[float] = Graph(given.model).row()[0].tolist()
    given.request.write_text(json.dumps({"features": row}))


if __name__ == "__main__":
    command_line = arguments()
    write_request(command_line)
    server = litserve.LitServer(OnnxApi(command_line.model), accelerator="cpu", timeout=False)
    server.run(
        host="127.0.0.1", port=command_line.port, log_level="warning", generate_client_file=False
    )
