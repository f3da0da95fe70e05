"""BentoML with a service of one worker, asked over HTTP with JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bentoml
import numpy as np

from benchmarks.peers.graph import Graph, arguments

SERVICE = "benchmarks.peers.serve_bentoml:Bench"

_MODEL = "BENCH_MODEL"


@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Bench:
    def __init__(self) -> None:
        self.graph = Graph(Path(os.environ[_MODEL]))

    @bentoml.api  # type: ignore[untyped-decorator]
    async def predict(self, features: list[float]) -> float:
        row = np.asarray(features, dtype=np.float32).reshape(1, -1)
        return float(self.graph.run(row)[0, 0])


if __name__ == "__main__":
    command_line = arguments()
    row: list[float] = Graph(command_line.model).row()[0].tolist()
    command_line.request.write_text(json.dumps({"features": row}))
    os.environ.update({_MODEL: str(command_line.model), "BENTOML_DO_NOT_TRACK": "True"})
    program = Path(sys.executable).with_name("bentoml")
    where = ("--host", "127.0.0.1", "--port", str(command_line.port))
    sys.exit(subprocess.run([program, "serve", SERVICE, *where], check=False).returncode)
