"""The model as every peer runs it: onnxruntime with the options of Tickcast's own sessions.

Runs in the peers' environments, where there is nothing of ours.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What every peer is started with."""

    model: Path
    port: int
    spare_ports: tuple[int, int]
    """For what a peer opens beside."""

    request: Path
    """Where it writes the body of a request for one row, before it serves."""


def arguments() -> Arguments:
    """From the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--spare-ports", type=int, nargs=2, required=True)
    parser.add_argument("--request", type=Path, required=True)
    given = parser.parse_args()
    first, second = given.spare_ports
    return Arguments(
        model=given.model, port=given.port, spare_ports=(first, second), request=given.request
    )


class Graph:
    """One float32 input (n, F), one float32 output (n, 1)."""

    def __init__(self, model: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(
            model.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self.features = int(self._session.get_inputs()[0].shape[1])

    def run(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Answers (n, 1) to rows (n, F)."""
        answers: NDArray[np.float32] = self._session.run(None, {self._input: rows})[0]
        return answers

    def row(self) -> NDArray[np.float32]:
        """The row (1, F) that is asked for."""
        return np.linspace(-1.0, 1.0, self.features, dtype=np.float32).reshape(1, -1)


def framed(message: bytes) -> bytes:
    """A message of gRPC as it goes over the wire."""
    return b"\0" + len(message).to_bytes(4, "big") + message
