"""Features packed and features as numbers are answered alike."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from tickcast import AsyncClient, BatchItem, Features, Prediction
from tickcast_modelkit.features import CORE
from tickcast_server.app import App

AS_OF = datetime(2024, 1, 2, tzinfo=UTC)
MODEL = "models/tiny"


@pytest.mark.parametrize("seed", range(5))
async def test_both_forms_have_one_answer(shared_server: App, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=len(CORE.names)).astype(np.float32)
    plain = Features(values=values.tolist(), as_of_time=AS_OF, last_close=100.0)
    packed = Features(values=values, as_of_time=AS_OF, last_close=100.0)
    async with AsyncClient(shared_server.address) as client:
        one = await client.predict("AAPL", model=MODEL, features=plain)
        two = await client.predict("AAPL", model=MODEL, features=packed)
        both = await client.batch_predict(
            [BatchItem(symbol="AAPL", features=item) for item in (plain, packed)], model=MODEL
        )
    assert one.predicted_return == two.predicted_return
    assert one.price_interval == two.price_interval
    assert one.direction_probability == two.direction_probability
    first, second = both
    assert isinstance(first, Prediction)
    assert isinstance(second, Prediction)
    assert first.predicted_return == second.predicted_return
    assert first.price_interval == second.price_interval
