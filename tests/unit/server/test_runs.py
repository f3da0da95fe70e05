"""Many rows are run in parts, on several cores, and come out as if in one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tickcast_modelkit.features import CORE
from tickcast_server.serving.model import LoadedModel, load_model
from tickcast_server.serving.runs import run_rows

AddPackage = Callable[..., Path]


class Observer:
    """Notes the rows of each run."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def inference(self, _model: LoadedModel, rows: int, _seconds: float) -> None:
        self.rows.append(rows)


@pytest.mark.parametrize("count", [1, 127, 256, 257, 512, 3_001])
async def test_rows_run_in_parts_have_the_bits_of_one_run(
    repository: Path, add_package: AddPackage, count: int
) -> None:
    add_package()
    path = repository / "tiny" / "1"
    model = load_model(path, feature_sets={CORE.id: CORE}, threads=1, now=0.0)
    rows = np.random.default_rng(0).normal(size=(count, model.features)).astype(np.float32)
    observer = Observer()

    answers = await run_rows(model, rows, observer)

    assert np.array_equal(answers.predictions, model.session.run(rows).predictions)
    assert observer.rows == [count]
