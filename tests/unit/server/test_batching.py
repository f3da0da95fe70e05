"""What becomes of a batch whose model fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from tickcast_modelkit.features import CORE
from tickcast_server.observe.metrics import Metrics
from tickcast_server.serving.batching import Batching, BatchLimit
from tickcast_server.serving.model import LoadedModel, load_model

from tests.conftest import AddPackage

ROW = np.zeros(len(CORE.names), dtype=np.float32)


@pytest.fixture
def model(repository: Path, add_package: AddPackage) -> LoadedModel:
    add_package()
    return load_model(repository / "tiny" / "1", feature_sets={CORE.id: CORE}, threads=1, now=0.0)


async def test_a_failure_is_told_to_all_who_wait_and_the_next_batch_is_sound(
    model: LoadedModel,
) -> None:
    batching = Batching(BatchLimit(most=3, delay=10.0), {}, observer=Metrics(stages=False))
    rows = [ROW, ROW, ROW[:-1]]
    failed = await asyncio.gather(
        *[batching.run(model, row) for row in rows], return_exceptions=True
    )
    assert all(isinstance(outcome, ValueError) for outcome in failed)
    sound = await asyncio.gather(*[batching.run(model, ROW) for _ in range(3)])
    assert sound == [model.session.run_one(ROW)] * 3
