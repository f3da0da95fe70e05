"""From a fitted model to an ONNX graph that is proven to compute the same."""

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.manifest import Parity

from tickcast_trainer.errors import ExportFailed
from tickcast_trainer.estimators import INPUT_NAME, OUTPUT_NAME, FittedModel
from tickcast_trainer.estimators.direction import probability_of
from tickcast_trainer.estimators.graph import PROBABILITY_NAME, TAILS_NAME, WIDTHS
from tickcast_trainer.estimators.quantiles import FittedTails
from tickcast_trainer.onnx_session import one_thread_session

PARITY_LIMIT = 1e-4
"""Largest difference allowed between model and graph, in standard deviations of the target."""

_SINGLE_ROWS = 2048


class OnnxModel:
    """An exported graph, run as a server runs it: one thread, float32."""

    def __init__(self, graph: bytes) -> None:
        self.graph = graph
        self._session = one_thread_session(graph)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return predicted log returns (n,) for features (n, F)."""
        (output,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: features})
        return np.asarray(output, dtype=np.float32)[:, 0]

    @property
    def outputs(self) -> list[str]:
        """Names of what the graph answers with."""
        return [output.name for output in self._session.get_outputs()]

    def tails(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ends of intervals (n, 2) for features (n, F); only of a graph that has them."""
        (output,) = self._session.run([TAILS_NAME], {INPUT_NAME: features})
        return np.asarray(output, dtype=np.float32)

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities of a rise (n,); only of a graph that has them."""
        (output,) = self._session.run([PROBABILITY_NAME], {INPUT_NAME: features})
        return np.asarray(output, dtype=np.float32)[:, 0]

    def answers(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return all outputs for features (n, F) side by side, (n, 1) up to (n, 4)."""
        return np.concatenate(self._session.run(None, {INPUT_NAME: features}), axis=1)


def export(model: FittedModel, tails: FittedTails | None = None) -> OnnxModel:
    """Turn a fitted model into a graph with one input ``features`` and one output ``prediction``.

    A classifier has ``probability`` beside it, and with tails there is ``tails``. The same model
    gives the same bytes.
    """
    from onnx import checker

    proto = model.to_onnx() if tails is None else tails.to_onnx(model.to_onnx())
    checker.check_model(proto, full_check=True)
    return OnnxModel(proto.SerializeToString(deterministic=True))


def check_parity(
    exported: OnnxModel,
    model: FittedModel,
    features: NDArray[np.float32],
    *,
    tails: FittedTails | None = None,
    target_deviation: float,
) -> Parity:
    """Compare graph and model on every row (n, F), and single rows with the batch.

    Rows one at a time are taken evenly, 2,048 at most. Raises ExportFailed where a difference
    passes 1e-4 of ``target_deviation``, the standard deviation of the target.
    """
    batch = exported.answers(features).astype(np.float64)
    columns = [name for name in exported.outputs for _ in range(WIDTHS[name])]
    # A probability has no unit: it may be 1e-4 apart.
    unit = np.array([target_deviation if name == PROBABILITY_NAME else 1.0 for name in columns])
    difference = (unit * np.abs(batch - _native_answers(model, tails, features))).max(axis=1)
    chosen = np.unique(np.linspace(0, len(features) - 1, _SINGLE_ROWS).astype(np.intp))
    singles = np.concatenate([exported.answers(features[row : row + 1]) for row in chosen])
    single_difference = unit * np.abs(singles - batch[chosen])
    parity = Parity(
        rows=len(features),
        median_difference=float(np.median(difference)),
        maximum_difference=float(max(difference.max(), single_difference.max())),
        limit=PARITY_LIMIT * target_deviation,
    )
    if not parity.maximum_difference <= parity.limit:
        worst = int(difference.argmax())
        raise ExportFailed(
            f"parity: graph and model were {parity.maximum_difference:.3g} apart at most (training "
            f"row {worst}), needed {parity.limit:.3g} or less"
        )
    return parity


def _native_answers(
    model: FittedModel, tails: FittedTails | None, features: NDArray[np.float32]
) -> NDArray[np.float32]:
    prediction = model.predict(features)
    answers = [prediction[:, None]]
    probability = probability_of(model, features)
    if probability is not None:
        answers.append(probability[:, None])
    if tails is not None:
        answers.append(tails.ends(features, prediction))
    return np.concatenate(answers, axis=1)
