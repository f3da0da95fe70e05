"""A model that ranks symbols: the example is trained, served, and answers as it was trained."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast import (
    AsyncClient,
    CrossSectionIncomplete,
    Features,
    InvalidRequest,
    Prediction,
    PredictionEvent,
    Refusal,
    StreamPosition,
    StreamStarted,
)
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.package import read_package
from tickcast_server.testing import start_local
from tickcast_trainer.backtest.cli import main as backtest_main
from tickcast_trainer.backtest.model import PackagedModel, load_model
from tickcast_trainer.cli import main as train_main
from tickcast_trainer.cross_section import rankable_features
from tickcast_trainer.promotion.cli import promote_main
from tickcast_trainer.sources import bundled

from tests.sdk_bars import sdk_bars

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL = "models/ranked-ridge"

# After what the example is trained on. FB has been there for half a year.
DAYS = 12
HELD = 420


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose models/ holds the example."""
    folder = tmp_path_factory.mktemp("ranked")
    assert train(folder / "models") == 0
    return folder


def train(models: Path, *arguments: str) -> int:
    return train_main(
        [
            *("--config", str(EXAMPLES / "cross_section.toml")),
            *("--features", str(EXAMPLES / "cross_section_features.py")),
            *("--models", str(models), "--no-leak-check", "--no-report", *arguments),
        ]
    )


@pytest.fixture(scope="module")
def model(trained: Path) -> PackagedModel:
    return load_model(trained / "models" / "ranked-ridge" / "1")


@pytest.fixture(scope="module")
def series() -> list[BarSeries]:
    """What a server is fed: the last bars of each symbol, up to some after training."""
    stop = bundled.open()[0].close_time[-40]
    return [one.closed_by(int(stop)).tail(HELD) for one in bundled.open()]


Rows = dict[tuple[str, datetime], NDArray[np.float32]]


@pytest.fixture(scope="module")
def rows(model: PackagedModel, series: Sequence[BarSeries]) -> Rows:
    """The trainer's features by symbol and as-of time, from all bars there are."""
    return {
        (one.symbol, datetime.fromtimestamp(int(one.close_time[bar]), UTC)): row
        for one, bars, features in rankable_features(
            model.feature_set, bundled.open(), lambda _: None
        )
        for bar, row in zip(bars, features, strict=True)
    }


@pytest.fixture
async def client(tmp_path: Path, trained: Path) -> AsyncIterator[AsyncClient]:
    """A client of a server without bars."""
    async with (
        start_local(tmp_path, models=trained / "models") as app,
        AsyncClient(app.address) as opened,
    ):
        yield opened


def past(series: Sequence[BarSeries], days: int) -> list[BarSeries]:
    return [one.slice(0, len(one) - days) for one in series]


def expect(model: PackagedModel, rows: Rows, found: Prediction) -> None:
    row = rows[found.symbol, found.as_of_time]
    assert found.predicted_return == pytest.approx(float(model.predict(row[None])[0]), rel=1e-5)


def test_the_package_carries_the_universe_and_golden_rows_with_ranks(
    trained: Path, model: PackagedModel
) -> None:
    section = model.manifest.features.cross_section
    assert section is not None
    assert section.universe == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    assert model.manifest.feature_names[-1] == "rank_volume_surprise_20"
    golden = read_package(trained / "models" / "ranked-ridge" / "1").golden
    assert golden.features.shape[1] == 39
    assert len(np.unique(golden.features[:, -1])) > 3


async def test_features_fed_symbol_by_symbol_are_the_trainers_bit_for_bit(
    client: AsyncClient, model: PackagedModel, series: list[BarSeries], rows: Rows
) -> None:
    for one in past(series, DAYS):
        await client.ingest_bars(sdk_bars(one))
    feature_set = f"featureSets/{model.feature_set.id}"
    for day in range(DAYS):
        for number, one in enumerate(series):
            await client.ingest_bars(sdk_bars(one)[len(one) - DAYS + day :][:1])
            # Four of five are the least that are ranked.
            if number < 3:
                with pytest.raises(CrossSectionIncomplete) as caught:
                    await client.predict(one.symbol, model=MODEL)
                assert caught.value.metadata["present"] == str(number + 1)
                assert caught.value.metadata["needed"] == "4"
                assert not caught.value.retryable
        for one in series:
            vector = await client.get_features(one.symbol, "1d", feature_set=feature_set)
            assert vector.names == model.feature_set.names
            expected = rows[one.symbol, vector.as_of_time]
            assert np.array(vector.values, dtype=np.float32).tobytes() == expected.tobytes()
            expect(model, rows, await client.predict(one.symbol, model=MODEL))


async def test_bars_of_all_symbols_in_one_request_are_ranked_at_once(
    client: AsyncClient, model: PackagedModel, series: list[BarSeries], rows: Rows
) -> None:
    await client.ingest_bars(
        [bar for one in past(series, DAYS) for bar in sdk_bars(one)], timeout=30
    )
    symbols = [one.symbol for one in series]
    for day in range(DAYS):
        today = [bar for one in series for bar in sdk_bars(one)[len(one) - DAYS + day :][:1]]
        await client.ingest_bars(today)
        answers = await client.batch_predict(symbols, model=MODEL)
        for one, answer in zip(series, answers, strict=True):
            assert isinstance(answer, Prediction)
            closed = int(one.close_time[len(one) - DAYS + day])
            assert answer.as_of_time == datetime.fromtimestamp(closed, UTC)
            expect(model, rows, answer)


async def test_a_stream_catches_up_from_before_a_peer_was_listed(
    client: AsyncClient, model: PackagedModel, series: list[BarSeries], rows: Rows
) -> None:
    results = await client.ingest_bars([bar for one in series for bar in sdk_bars(one)], timeout=30)
    position = results[0].position
    assert position is not None
    # Where windows are whole, as with all bars there are; FB has its first row behind that.
    starts = [
        StreamPosition(symbol=one.symbol, timeframe="1d", epoch=position.epoch, sequence=sequence)
        for one in series
        for sequence in [0 if one.symbol == "FB" else model.feature_set.window]
    ]
    stream = client.stream_predictions(MODEL, resume_after=starts, heartbeat=timedelta(seconds=0.1))
    expected = sum(len(one) - start.sequence for one, start in zip(series, starts, strict=True))
    refused, predicted = 0, 0
    async for event in stream:
        if isinstance(event, PredictionEvent):
            expect(model, rows, event.prediction)
            predicted += 1
        elif isinstance(event, Refusal):
            # Before its first row.
            assert event.symbol == "FB"
            refused += 1
        if predicted + refused == expected:
            break
    await stream.close()
    assert refused == model.feature_set.minimum_bars - 1


async def test_a_stream_waits_for_the_peers_of_a_bar_and_not_for_those_that_have_stopped(
    client: AsyncClient, model: PackagedModel, series: list[BarSeries], rows: Rows
) -> None:
    for one in past(series, DAYS):
        await client.ingest_bars(sdk_bars(one))
    stream = client.stream_predictions(MODEL, heartbeat=timedelta(seconds=0.1))
    assert isinstance(await anext(stream), StreamStarted)

    async def told(count: int) -> list[Prediction]:
        found: list[Prediction] = []
        while len(found) < count:
            event = await anext(stream)
            assert not isinstance(event, Refusal)
            if isinstance(event, PredictionEvent):
                found.append(event.prediction)
        return found

    for day in range(DAYS - 3):
        for one in series:
            await client.ingest_bars(sdk_bars(one)[len(one) - DAYS + day :][:1])
        for prediction in await told(len(series)):
            expect(model, rows, prediction)
    # IBM stops: its peers wait for it, until their next bar shows that nothing has come.
    going_on = [one for one in series if one.symbol != "IBM"]
    for day in (-3, -2):
        for one in going_on:
            await client.ingest_bars([sdk_bars(one)[day]])
    assert {prediction.symbol for prediction in await told(8)} == {one.symbol for one in going_on}
    await stream.close()


async def test_a_stream_of_one_symbol_waits_for_the_others_as_well(
    client: AsyncClient, model: PackagedModel, series: list[BarSeries], rows: Rows
) -> None:
    for one in past(series, DAYS):
        await client.ingest_bars(sdk_bars(one))
    # Long enough that it is the last peer's bar, and no heartbeat, that has it look again.
    stream = client.stream_predictions(MODEL, symbols=["AAPL"], heartbeat=timedelta(seconds=60))
    assert isinstance(await anext(stream), StreamStarted)
    for day in range(DAYS):
        for one in series:
            await client.ingest_bars(sdk_bars(one)[len(one) - DAYS + day :][:1])
        event = await asyncio.wait_for(anext(stream), timeout=10)
        assert isinstance(event, PredictionEvent)
        expect(model, rows, event.prediction)
    await stream.close()


async def test_the_set_of_a_served_model_tells_its_universe(
    client: AsyncClient, model: PackagedModel
) -> None:
    found = await client.get_feature_set(f"featureSets/{model.feature_set.id}")
    assert found.universe == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    assert found.minimum_share == 0.8
    plain = next(item for item in await client.list_feature_sets() if "/core-" in item.name)
    assert (plain.universe, plain.minimum_share) == ((), 0.0)


async def test_what_cannot_be_ranked_is_refused_by_name(
    client: AsyncClient, model: PackagedModel, series: list[BarSeries], rows: Rows
) -> None:
    apple = series[0]
    await client.ingest_bars(sdk_bars(apple))
    with pytest.raises(InvalidRequest, match="was of one symbol, needed features or nothing"):
        await client.predict("AAPL", model=MODEL, bars=sdk_bars(apple))
    await client.ingest_bars(sdk_bars(apple, symbol="TSLA"))
    with pytest.raises(InvalidRequest, match="symbol: was 'TSLA', needed one of the 5 symbols"):
        await client.predict("TSLA", model=MODEL)
    with pytest.raises(CrossSectionIncomplete, match="send the bars of the others"):
        await client.predict("AAPL", model=MODEL)
    # Whoever has ranks of his own may send them.
    time = datetime.fromtimestamp(int(apple.close_time[-1]), UTC)
    row = rows["AAPL", time]
    given = Features(values=row, as_of_time=time)
    expect(model, rows, await client.predict("AAPL", model=MODEL, features=given))


async def test_a_declared_set_that_nobody_trained_on_has_no_universe_to_be_served_among(
    tmp_path: Path, series: list[BarSeries]
) -> None:
    file = EXAMPLES / "cross_section_features.py"
    async with (
        start_local(tmp_path, features=[file]) as app,
        AsyncClient(app.address) as client,
    ):
        await client.ingest_bars(sdk_bars(series[0]))
        (declared,) = [item for item in await client.list_feature_sets() if "/ranked-" in item.name]
        assert declared.features[-1].name == "rank_volume_surprise_20"
        assert declared.features[-1].function == "rank(volume_surprise_20)"
        with pytest.raises(InvalidRequest, match="ranks symbols and names no universe"):
            await client.get_features("AAPL", "1d", feature_set=declared.name)


def test_the_model_is_backtested_and_compared_on_bars_that_it_has_not_seen(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    shutil.copytree(trained / "models", models)
    package = str(models / "ranked-ridge" / "1")
    arguments = ["--strategy", "model", "--model-package", package, "--start", "2012-12-03"]
    assert backtest_main(arguments) == 0
    assert "ranked-ridge version 1" in capsys.readouterr().out
    # The challenger is of before FB was listed, and ranks four.
    assert train(models, "--until", "2012-03-01") == 0
    capsys.readouterr()
    arguments = ["--models", str(models), "--minimum-rows", "200", "--force", "--json"]
    assert promote_main(["ranked-ridge", *arguments]) == 0
    decision = json.loads(capsys.readouterr().out)
    # On the rows of the four that both rank.
    assert decision["figures"]["candidate"]["rows"] == decision["figures"]["champion"]["rows"]
    assert decision["figures"]["candidate"]["rows"] % 4 == 0
