"""A graph that Tickcast did not train: an ONNX file without a manifest.

::

    <repository>/<name>/<version>/model.onnx
    <repository>/<name>/model.onnx              version 1

Its file says what its tensors are, and nothing says what they mean: it is asked for tensors, and
makes no `Prediction`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray
from tickcast_modelkit.golden import GOLDEN_FILE
from tickcast_modelkit.manifest import is_model_name
from tickcast_modelkit.package import MANIFEST_FILE, MODEL_FILE

from tickcast_server.errors import InvalidRequest
from tickcast_server.serving.session import open_graph
from tickcast_server.serving.signature import Signature, signature_of

BARE_VERSION = 1
"""The version of a graph that lies in the model's own folder."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForeignModel:
    """One version."""

    name: str
    """Resource name, models/{model}/versions/{number}."""

    signature: Signature
    load_time: float
    """Seconds since the epoch."""

    session: ort.InferenceSession

    def run(
        self, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]
    ) -> Sequence[NDArray[Any]]:
        """The outputs of these names. Safe in any thread.

        Raises `InvalidRequest` with what the graph says of values that it cannot compute with.
        """
        try:
            answers: Sequence[NDArray[Any]] = self.session.run(list(outputs), dict(inputs))
        except Exception as error:  # onnxruntime has an exception class for each status code
            # Its first line names the node and what it needs.
            said = str(error).partition("\n")[0]
            raise InvalidRequest.of(
                "inputs",
                f"was refused by {self.name}, needed what its graph can compute with: {said}",
            ) from error
        return answers


def load_foreign(path: Path, *, name: str, threads: int, now: float) -> ForeignModel:
    """Loads the graph in the folder `path`, with the files beside it that hold its weights.

    Raises `UnusableModel`.
    """
    session = open_graph(path / MODEL_FILE, threads=threads)
    return ForeignModel(name=name, signature=signature_of(session), load_time=now, session=session)


def is_foreign(path: Path) -> bool:
    """Whether a folder holds a graph, and nothing of a package."""
    return (path / MODEL_FILE).is_file() and not any(
        (path / part).exists() for part in (MANIFEST_FILE, GOLDEN_FILE)
    )


def bare_models(repository: Path) -> list[str]:
    """Names of the models whose graph lies in their own folder, sorted."""
    if not repository.is_dir():
        return []
    return sorted(path.name for path in repository.iterdir() if has_name(path) and is_foreign(path))


def unnamed_models(repository: Path) -> list[str]:
    """Folders with a graph that cannot be served under their names, sorted."""
    if not repository.is_dir():
        return []
    return sorted(
        folder.name
        for folder in repository.iterdir()
        if not folder.name.startswith(".")
        and not has_name(folder)
        and any(map(is_foreign, (folder, folder / str(BARE_VERSION))))
    )


def has_name(folder: Path) -> bool:
    """Whether a folder's name may be a model's."""
    return is_model_name(folder.name)
