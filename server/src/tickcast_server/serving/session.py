"""One ONNX model in onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from tickcast_server.serving.signature import Signature, signature_of
from tickcast_server.serving.unusable import UnusableModel


class Answers(NamedTuple):
    """What a model says of n rows."""

    predictions: NDArray[np.float32]
    """(n,)."""

    tails: NDArray[np.float32] | None
    """Ends of the intervals (n, 2); None when the model has none."""

    probabilities: NDArray[np.float32] | None
    """Of a rise (n,); None when the model answers none."""

    @staticmethod
    def joined(parts: Sequence[Answers]) -> Answers:
        """The rows of all parts, which are of one model."""
        if len(parts) == 1:
            return parts[0]
        predictions, tails, probabilities = zip(*parts, strict=True)
        return Answers(
            np.concatenate(predictions),
            None if tails[0] is None else np.concatenate(tails),
            None if probabilities[0] is None else np.concatenate(probabilities),
        )

    def each(self) -> list[Answer]:
        """The answers row by row."""
        predictions: list[float] = self.predictions.tolist()
        nothing = repeat(None)
        tails = nothing if self.tails is None else map(tuple, self.tails.tolist())
        rises = nothing if self.probabilities is None else self.probabilities.tolist()
        return [Answer(*answer) for answer in zip(predictions, tails, rises, strict=False)]


class Answer(NamedTuple):
    """What a model says of one row."""

    prediction: float
    tails: tuple[float, float] | None
    """Ends of the interval; None when the model has none."""

    probability: float | None
    """Of a rise; None when the model answers none."""


class Session:
    """Runs a model of one float32 input (n, F) and one to three float32 outputs.

    Predictions (n, 1), and if it has them ends of intervals (n, 2) and probabilities (n, 1).
    """

    def __init__(
        self,
        onnx: bytes,
        *,
        input_name: str,
        output_name: str,
        tails_name: str | None = None,
        probability_name: str | None = None,
        features: int,
        threads: int,
    ) -> None:
        """Loads the model; `tails_name` and `probability_name` are of outputs that it may have.

        Raises `UnusableModel`.
        """
        session = open_graph(onnx, threads=threads)
        widths = {output_name: 1, tails_name: 2, probability_name: 1}
        outputs = {name: width for name, width in widths.items() if name is not None}
        _check_signature(session, input_name, outputs, features)
        whole = signature_of(session)
        self.signature = Signature(
            inputs=whole.inputs, outputs={name: whole.outputs[name] for name in outputs}
        )
        """Of what is used of the graph."""

        self._session = session
        self._input = input_name
        self._outputs = list(outputs)
        self._names = output_name, tails_name, probability_name
        self._row: NDArray[np.float32] = np.zeros((1, features), dtype=np.float32)
        self._buffers: dict[str, NDArray[np.float32]] = {
            name: np.zeros((1, width), dtype=np.float32) for name, width in outputs.items()
        }
        self._answer = self._buffers[output_name]
        self._ends = self._buffers.get(tails_name or "")
        self._rise = self._buffers.get(probability_name or "")
        self._bound = self._bind()

    def run(self, rows: NDArray[np.float32]) -> Answers:
        """Answers to rows (n, F). Safe in any thread."""
        answers = self._session.run(self._outputs, {self._input: rows})
        if len(answers) == 1:
            return Answers(answers[0].reshape(-1), None, None)
        tails = answers[1] if self._ends is not None else None
        rises = answers[-1].reshape(-1) if self._rise is not None else None
        return Answers(answers[0].reshape(-1), tails, rises)

    def run_one(self, row: NDArray[np.float32]) -> Answer:
        """Answer to one row (F,), through buffers made once: for one thread only."""
        self._row[0] = row
        self._session.run_with_iobinding(self._bound)
        prediction = float(self._answer[0, 0])
        ends, rise = self._ends, self._rise
        return Answer(
            prediction,
            None if ends is None else (float(ends[0, 0]), float(ends[0, 1])),
            None if rise is None else float(rise[0, 0]),
        )

    def tensors(self, answers: Sequence[Answer]) -> dict[str, NDArray[np.float32]]:
        """Answers to n rows as the graph's outputs (n, 1), (n, 2) and (n, 1), by name."""
        prediction, tails, probability = self._names
        found = {prediction: _column([answer.prediction for answer in answers])}
        if tails is not None:
            ends = [answer.tails for answer in answers]
            found[tails] = np.array(ends, dtype=np.float32)
        if probability is not None:
            found[probability] = _column([answer.probability for answer in answers])
        return found

    def _bind(self) -> ort.IOBinding:
        binding = self._session.io_binding()
        binding.bind_input(
            self._input, "cpu", 0, np.float32, self._row.shape, self._row.ctypes.data
        )
        for name, buffer in self._buffers.items():
            binding.bind_output(name, "cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)
        return binding


def _column(values: Sequence[float | None]) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32).reshape(-1, 1)


def open_graph(onnx: bytes | Path, *, threads: int) -> ort.InferenceSession:
    """A graph from its bytes, or from a file that may have others beside it.

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
    return session


def _check_signature(
    session: ort.InferenceSession, input_name: str, widths: Mapping[str, int], features: int
) -> None:
    inputs = {item.name: item for item in session.get_inputs()}
    outputs = {item.name: item for item in session.get_outputs()}
    if list(inputs) != [input_name]:
        raise UnusableModel(f"model.onnx has inputs {list(inputs)}, needed [{input_name!r}]")
    for name in widths:
        if name not in outputs:
            raise UnusableModel(f"model.onnx has outputs {list(outputs)}, needed {name!r}")
    for item in (inputs[input_name], *(outputs[name] for name in widths)):
        if item.type != "tensor(float)":
            raise UnusableModel(f"{item.name} was {item.type}, needed tensor(float)")
    width = inputs[input_name].shape[-1]
    if isinstance(width, int) and width != features:
        raise UnusableModel(f"{input_name} takes {width} features, the manifest names {features}")
    for name, needed in widths.items():
        if outputs[name].shape[1:] != [needed]:
            raise UnusableModel(f"{name} was of shape {outputs[name].shape}, needed [N, {needed}]")
