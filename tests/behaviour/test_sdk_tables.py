"""Results become tables of pandas and Arrow, with a row for each and types that mean something."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tickcast import (
    AsyncClient,
    Bar,
    BarEvent,
    FeatureVector,
    Gap,
    GapReason,
    Heartbeat,
    Prediction,
    PredictionEvent,
    Refusal,
    StreamPosition,
    StreamStarted,
    to_arrow,
    to_pandas,
)
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App

from tests.sdk_bars import sdk_bars

MODEL = "models/tiny"

SERIES = random_walk_bars(100, symbol="AAPL")


@pytest.fixture(scope="module")
async def client(shared_server: App) -> AsyncIterator[AsyncClient]:
    """A client of a server that holds 100 bars of AAPL, and too few of MSFT."""
    async with AsyncClient(shared_server.address) as opened:
        await opened.ingest_bars(sdk_bars(SERIES))
        await opened.ingest_bars(sdk_bars(SERIES.slice(0, 10), symbol="MSFT"))
        yield opened


async def test_bars_have_their_times_in_utc_and_their_prices_as_floats(client: AsyncClient) -> None:
    frame = to_pandas(await client.list_bars("AAPL", "1d"))
    assert {str(frame[name].dtype) for name in ("open_time", "close_time")} == {
        "datetime64[us, UTC]"
    }
    assert [str(kind) for kind in frame.dtypes[4:]] == ["float64"] * 5
    assert np.array_equal(frame[["open", "high", "low", "close", "volume"]], SERIES.ohlcv)
    seconds = frame["open_time"].astype("int64") // 1_000_000
    assert np.array_equal(seconds, SERIES.open_time)


async def test_a_prediction_has_a_row_with_the_ends_of_its_intervals(client: AsyncClient) -> None:
    prediction = await client.predict("AAPL", model=MODEL)
    (row,) = to_pandas(prediction).to_dict("records")
    assert prediction.price_interval is not None
    assert row["price_lower"] == prediction.price_interval.lower
    assert row["interval_coverage"] == prediction.price_interval.coverage
    assert row["as_of_time"] == prediction.as_of_time
    assert row["feature_age"] == prediction.feature_provenance.age
    assert row["feature_source"] == "cache"
    assert row["error"] is None


async def test_a_batch_keeps_its_refusals_in_their_places(client: AsyncClient) -> None:
    results = await client.batch_predict(["AAPL", "NOPE", "MSFT", "AAPL"], model=MODEL)
    frame = to_pandas(results)
    assert frame["symbol"].tolist() == ["AAPL", "NOPE", "MSFT", "AAPL"]
    assert frame["error_reason"].tolist() == [pd.NA, "SYMBOL_NOT_FOUND", "TOO_FEW_BARS", pd.NA]
    assert frame["error"][1] == str(results[1])
    assert frame["predicted_return"].isna().tolist() == [False, True, True, False]
    assert frame["as_of_time"].isna().tolist() == [False, True, True, False]
    # One that was answered as a whole has the same columns.
    alone = to_pandas(await client.batch_predict(["AAPL"], model=MODEL))
    assert alone.dtypes.to_dict() == frame.dtypes.to_dict()


async def test_vectors_have_a_column_for_each_feature(client: AsyncClient) -> None:
    feature_set = (await client.list_feature_sets())[0].name
    vector = await client.get_features("AAPL", "1d", feature_set=feature_set)
    frame = to_pandas([vector, vector])
    assert frame[list(CORE.names)].to_numpy().tolist() == [list(vector.values)] * 2
    assert {str(kind) for kind in frame[list(CORE.names)].dtypes} == {"float64"}
    assert frame["bars_used"].tolist() == [100, 100]


async def test_a_matrix_has_the_row_of_each_row(client: AsyncClient) -> None:
    rows = np.random.default_rng(0).normal(size=(1_000, len(CORE.names))).astype(np.float32)
    matrix = await client.predict_matrix(rows, model=MODEL, as_of_time=datetime.now(UTC))
    frame = to_pandas(matrix)
    assert np.array_equal(frame["predicted_return"], matrix.predicted_returns)
    assert np.array_equal(frame["return_lower"], matrix.lower_returns)
    assert {str(kind) for kind in frame.dtypes} == {"float64"}
    assert to_arrow(matrix).column("return_upper").to_pylist() == matrix.upper_returns.tolist()


async def test_collected_events_have_a_row_for_each_bar_that_they_tell_of(
    client: AsyncClient,
) -> None:
    async with client.stream_predictions(MODEL, snapshot=True) as stream:
        events = [await anext(stream) for _ in range(3)]
    assert {type(event) for event in events} == {StreamStarted, PredictionEvent, Refusal}
    frame = to_pandas(events).sort_values("symbol")
    assert frame["symbol"].tolist() == ["AAPL", "MSFT"]
    assert frame["sequence"].tolist() == [100, 10]
    assert frame["error_reason"].tolist() == [pd.NA, "TOO_FEW_BARS"]
    async with client.stream_prices("1d", symbols=["AAPL"], snapshot=True) as prices:
        bars = to_pandas([await anext(prices), await anext(prices)])
    assert bars["close"].tolist() == [SERIES.ohlcv[-1, 3]]
    assert bars["sequence"].tolist() == [100]


async def test_arrow_has_the_same_columns_and_nulls(client: AsyncClient) -> None:
    results = await client.batch_predict(["AAPL", "NOPE"], model=MODEL)
    arrow, frame = to_arrow(results), to_pandas(results)
    assert arrow.column_names == list(frame.columns)
    assert arrow.schema.field("as_of_time").type == pa.timestamp("us", tz="UTC")
    assert arrow.schema.field("feature_age").type == pa.duration("us")
    assert arrow.column("predicted_return").is_null().to_pylist() == [False, True]
    assert arrow.column("as_of_time")[0].as_py() == frame["as_of_time"][0]
    round_trip = arrow.to_pandas()["predicted_return"]
    assert round_trip[0] == frame["predicted_return"][0]


@pytest.mark.parametrize("kind", [Prediction, PredictionEvent, Bar, BarEvent, FeatureVector])
@pytest.mark.parametrize("convert", [to_pandas, to_arrow])
def test_no_results_have_columns_when_it_is_said_of_what(
    convert: Callable[..., Any], kind: type[Any]
) -> None:
    columns = convert([], of=kind)
    assert len(columns) == 0
    assert len(columns.columns) > 8


POSITION = StreamPosition(symbol="AAPL", timeframe="1d", epoch="e", sequence=1)


@pytest.mark.parametrize(
    "event",
    [
        Heartbeat(server_time=datetime.now(UTC), positions=()),
        StreamStarted(starts=(), symbols_without_bars=()),
        Gap(
            symbol="AAPL",
            timeframe="1d",
            from_sequence=1,
            to_sequence=2,
            reason=GapReason.CONFLATED,
            position=POSITION,
        ),
    ],
)
def test_events_about_no_bar_have_no_row(event: Any) -> None:
    assert to_pandas([event], of=BarEvent).empty
    assert to_pandas([event], of=PredictionEvent).empty
    with pytest.raises(ValueError, match=r"^results: have no row to tell the columns by"):
        to_pandas([event])


def test_results_that_have_no_common_columns_are_refused() -> None:
    (bar,) = sdk_bars(SERIES.slice(0, 1))
    with pytest.raises(TypeError, match=r"^results: hold Bar beside BarEvent, needed one kind"):
        to_pandas([BarEvent(bar=bar, position=POSITION), bar])
    with pytest.raises(TypeError, match=r"^results: hold int, needed PredictionMatrix or some of"):
        to_pandas(1)
    with pytest.raises(ValueError, match=r"^of: was int, needed one of Prediction, "):
        to_pandas([], of=int)


async def test_vectors_of_two_sets_are_refused(client: AsyncClient) -> None:
    def vector(feature_set: str, *names: str) -> FeatureVector:
        return FeatureVector(
            symbol="AAPL",
            timeframe="1d",
            feature_set=feature_set,
            as_of_time=datetime.now(UTC),
            names=names,
            values=(1.0,) * len(names),
            last_close=1.0,
            provenance=held.provenance,
        )

    sets = await client.list_feature_sets()
    held = await client.get_features("AAPL", "1d", feature_set=sets[0].name)
    with pytest.raises(ValueError, match=r"hold vectors of a and b, needed those of one"):
        to_pandas([vector("a", "x"), vector("b", "x", "y")])
    with pytest.raises(ValueError, match=r"have features named symbol, as other columns are"):
        to_pandas(vector("a", "symbol"))


@pytest.mark.parametrize(
    ("convert", "library", "extra"),
    [(to_pandas, "pandas", "pandas"), (to_arrow, "pyarrow", "arrow")],
)
def test_without_the_library_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, convert: Callable[..., Any], library: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    message = rf"^{library} is not installed, needed: pip install 'tickcast\[{extra}\]'$"
    with pytest.raises(ImportError, match=message):
        convert([], of=Bar)
