"""One ONNX model in onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray


class UnusableModel(ValueError):
    """The ONNX file cannot be run, or not as its manifest says."""


class Session:
    """Runs a model of one float32 input (n, F) and one float32 output (n, 1) or (n,)."""

    def __init__(
        self, onnx: bytes, *, input_name: str, output_name: str, features: int, threads: int
    ) -> None:
        """Loads the model.

        Raises `UnusableModel`.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has an exception class for each status code
            raise UnusableModel(f"model.onnx does not load: {error}") from error
        session.disable_fallback()
        _check_signature(session, input_name, output_name, features)
        self._session = session
        self._input = input_name
        self._outputs = [output_name]
        self._row: NDArray[np.float32] = np.zeros((1, features), dtype=np.float32)
        self._answer: NDArray[np.float32] = np.zeros((1, 1), dtype=np.float32)
        self._bound = self._bind(output_name)

    def run(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions (n,) for rows (n, F). Safe in any thread."""
        (answer,) = self._session.run(self._outputs, {self._input: rows})
        return np.asarray(answer, dtype=np.float32).reshape(-1)

    def run_one(self, row: NDArray[np.float32]) -> float:
        """Prediction for one row (F,), through buffers made once: for one thread only."""
        self._row[0] = row
        self._session.run_with_iobinding(self._bound)
        return float(self._answer[0, 0])

    def _bind(self, output_name: str) -> ort.IOBinding:
        binding = self._session.io_binding()
        binding.bind_input(
            self._input, "cpu", 0, np.float32, self._row.shape, self._row.ctypes.data
        )
        binding.bind_output(
            output_name, "cpu", 0, np.float32, self._answer.shape, self._answer.ctypes.data
        )
        return binding


def _check_signature(
    session: ort.InferenceSession, input_name: str, output_name: str, features: int
) -> None:
    inputs = {item.name: item for item in session.get_inputs()}
    outputs = {item.name: item for item in session.get_outputs()}
    if list(inputs) != [input_name]:
        raise UnusableModel(f"model.onnx has inputs {list(inputs)}, needed [{input_name!r}]")
    if output_name not in outputs:
        raise UnusableModel(f"model.onnx has outputs {list(outputs)}, needed {output_name!r}")
    for item in (inputs[input_name], outputs[output_name]):
        if item.type != "tensor(float)":
            raise UnusableModel(f"{item.name} was {item.type}, needed tensor(float)")
    width = inputs[input_name].shape[-1]
    if isinstance(width, int) and width != features:
        raise UnusableModel(f"{input_name} takes {width} features, the manifest names {features}")
    if outputs[output_name].shape[1:] != [1]:
        raise UnusableModel(
            f"{output_name} was of shape {outputs[output_name].shape}, needed [N, 1]"
        )
