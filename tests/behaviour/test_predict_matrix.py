"""A matrix of features is predicted as its rows would be one by one, bit for bit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast import (
    AsyncClient,
    BatchItem,
    BatchTooLarge,
    FeatureCountMismatch,
    Features,
    InvalidRequest,
    ModelNotFound,
    Prediction,
)
from tickcast_modelkit.features import CORE
from tickcast_server.app import App

WIDTH = len(CORE.names)
WHEN = datetime(2024, 3, 1, tzinfo=UTC)
MODEL = "models/tiny"


def rows(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(0, 0.1, (count, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
async def client(shared_server: App) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(shared_server.address) as opened:
        yield opened


@pytest.mark.parametrize("count", [1, 7, 1_000])
async def test_every_row_is_predicted_as_an_item_of_a_batch(
    client: AsyncClient, count: int
) -> None:
    values = rows(count)
    found = await client.predict_matrix(values, model=MODEL, as_of_time=WHEN)
    items = [
        BatchItem(symbol="X", features=Features(values=row, as_of_time=WHEN)) for row in values
    ]
    expected = await client.batch_predict(items, model=MODEL)
    predictions = [one for one in expected if isinstance(one, Prediction)]
    assert len(predictions) == count
    intervals = [one.return_interval for one in predictions if one.return_interval is not None]
    assert list(found.predicted_returns) == [one.predicted_return for one in predictions]
    assert list(found.lower_returns) == [one.lower for one in intervals]
    assert list(found.upper_returns) == [one.upper for one in intervals]
    assert found.direction_probabilities is not None
    assert list(found.direction_probabilities) == [one.direction_probability for one in predictions]
    first = predictions[0]
    assert found.model_version == first.model_version
    assert found.feature_set == first.feature_set
    assert found.timeframe == first.timeframe
    assert found.target_time == first.target_time
    assert found.horizon_bars == first.horizon_bars
    assert found.interval_coverage == intervals[0].coverage


async def test_rows_may_be_of_any_numbers(client: AsyncClient) -> None:
    values = rows(5)
    expected = await client.predict_matrix(values, model=MODEL, as_of_time=WHEN)
    for given in (
        values.astype(np.float64),
        values.tolist(),
        list(values),
        np.asfortranarray(values),
        np.repeat(values, 2, axis=0)[::2],
    ):
        found = await client.predict_matrix(given, model=MODEL, as_of_time=WHEN)
        assert found == expected


async def test_columns_are_taken_over_by_numpy_as_they_are(client: AsyncClient) -> None:
    found = await client.predict_matrix(rows(3), model=MODEL, as_of_time=WHEN)
    column = np.asarray(found.predicted_returns)
    assert column.dtype == np.float64
    assert column.tolist() == list(found.predicted_returns)


async def test_what_is_wrong_is_named(client: AsyncClient) -> None:
    with pytest.raises(FeatureCountMismatch, match=rf"packed_values: was {WIDTH + 1} values"):
        await client.predict_matrix([[0.0] * (WIDTH + 1)], model=MODEL, as_of_time=WHEN)
    with pytest.raises(InvalidRequest, match="packed_values: was empty, needed the features of"):
        await client.predict_matrix([], model=MODEL, as_of_time=WHEN)
    values = rows(4)
    values[2, 3] = np.inf
    wrong = rf"packed_values\[2\]\[3\]: was inf, needed a finite number for {CORE.names[3]}"
    with pytest.raises(InvalidRequest, match=wrong):
        await client.predict_matrix(values, model=MODEL, as_of_time=WHEN)
    with pytest.raises(ModelNotFound):
        await client.predict_matrix(rows(1), model="models/none", as_of_time=WHEN)
    with pytest.raises(ValueError, match="as_of_time: was 2024-03-01T00:00:00 without a zone"):
        await client.predict_matrix(rows(1), model=MODEL, as_of_time=datetime(2024, 3, 1))  # noqa: DTZ001
    with pytest.raises(BatchTooLarge, match="was 100001 rows, needed at most 100000"):
        await client.predict_matrix(
            np.zeros((100_001, WIDTH), dtype=np.float32), model=MODEL, as_of_time=WHEN
        )
