"""The blocking and the asyncio client are one: same methods, same answers, same errors."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tickcast
from tickcast import (
    AsyncClient,
    AsyncEventStream,
    AsyncListener,
    Bar,
    BarEvent,
    BarsRefused,
    BatchItem,
    Client,
    EventStream,
    Features,
    FeatureSource,
    FeatureVector,
    InvalidRequest,
    Listener,
    ModelNotFound,
    ModelVersionState,
    Prediction,
    ServerUnavailable,
    StreamStarted,
    SymbolNotFound,
    TickcastError,
)
from tickcast_modelkit.features import CORE, last_window
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App

from tests.asking import Ask, asynchronous, blocking
from tests.sdk_bars import sdk_bars

SERIES = random_walk_bars(300, symbol="AAPL")
MODEL = "models/tiny"


def bars(start: int, stop: int, symbol: str = "AAPL") -> list[Bar]:
    return sdk_bars(SERIES.slice(start, stop), symbol=symbol)


@pytest.fixture(params=[blocking, asynchronous])
async def ask(request: pytest.FixtureRequest, server: App) -> AsyncIterator[Ask]:
    """Calls a method of the one client, then in another run of the other."""
    async with request.param(server.address) as asking:
        yield asking


def public(kind: type[Any]) -> dict[str, Any]:
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


# What only one face can promise: a stream of asyncio belongs to one loop, and is read by a task.
OF_ONE_FACE = (", and from any thread", " What `on_event` returns is awaited, where it can be.")


def words(method: Any) -> str:
    """What both docstrings say; their examples are those of the blocking face."""
    text = " ".join((inspect.getdoc(method) or "").partition("\n\n>>>")[0].split())
    for phrase in OF_ONE_FACE:
        text = text.replace(phrase, "")
    return text.replace("a thread of its own", "a task of its own")


def parameters(method: Any) -> list[tuple[str, Any, Any]]:
    """Each parameter with its kind and default."""
    found = inspect.signature(method).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in found]


PAIRS = [(Client, AsyncClient), (EventStream, AsyncEventStream), (Listener, AsyncListener)]

# What is not awaited on the asyncio face: no call is made yet.
AT_ONCE = {"stream_predictions", "stream_prices", "subscribe"}


@pytest.mark.parametrize(("blocking_kind", "asyncio_kind"), PAIRS)
def test_both_have_the_same_methods_with_the_same_words(
    blocking_kind: type[Any], asyncio_kind: type[Any]
) -> None:
    one, other = public(blocking_kind), public(asyncio_kind)
    assert list(one) == list(other)
    for name, method in one.items():
        assert words(method), name
        assert words(method) == words(other[name]), name
        if not isinstance(method, property):
            assert parameters(method) == parameters(other[name]), name
            assert inspect.iscoroutinefunction(other[name]) is (name not in AT_ONCE), name


@pytest.mark.parametrize(("blocking_kind", "asyncio_kind"), PAIRS)
def test_both_give_the_same_results(blocking_kind: type[Any], asyncio_kind: type[Any]) -> None:
    for name, method in public(blocking_kind).items():
        if isinstance(method, property):
            continue
        one, other = inspect.signature(method), inspect.signature(public(asyncio_kind)[name])
        expected = str(one.return_annotation)
        for kind, counterpart in PAIRS:
            expected = expected.replace(kind.__name__, counterpart.__name__)
        assert other.return_annotation == expected, name
        for parameter in set(one.parameters) - {"on_event"}:
            own = one.parameters[parameter].annotation
            assert other.parameters[parameter].annotation == own, (name, parameter)


def test_both_are_made_with_the_same_arguments() -> None:
    assert inspect.signature(Client) == inspect.signature(AsyncClient)


async def test_every_method_answers_alike(server: App) -> None:
    held = bars(0, 300)
    day = held[-1].open_time + timedelta(days=1)
    feature_set = f"featureSets/{CORE.id}"
    row = CORE.compute(last_window(CORE, SERIES.open_time, SERIES.ohlcv))
    asked: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "ingest_bars": ((held,), {}),
        "predict": (("AAPL",), {"model": MODEL}),
        "batch_predict": ((["AAPL", "AAPL"],), {"model": MODEL}),
        "predict_matrix": ((row,), {"model": MODEL, "as_of_time": day}),
        "list_bars": (("AAPL", "1d"), {}),
        "list_symbols": ((), {}),
        "get_features": (("AAPL", "1d"), {"feature_set": feature_set}),
        "list_feature_sets": ((), {}),
        "get_feature_set": ((feature_set,), {}),
        "list_models": ((), {}),
        "get_model": ((MODEL,), {}),
        "list_model_versions": ((MODEL,), {}),
        "get_model_version": ((f"{MODEL}/versions/1",), {}),
    }
    assert set(asked) | AT_ONCE | {"close", "target"} == set(public(Client)) | {"subscribe"}
    async with blocking(server.address) as one, asynchronous(server.address) as other:
        await one("ingest_bars", held)
        for name, (arguments, options) in asked.items():
            answers = [await ask(name, *arguments, **options) for ask in (one, other)]
            assert aged(answers[0]) == aged(answers[1]), name


def aged(answer: Any) -> Any:
    """An answer without its age, which grows between two calls."""
    if isinstance(answer, list):
        return [aged(item) for item in answer]
    if isinstance(answer, Prediction):
        still = replace(answer.feature_provenance, age=timedelta())
        return replace(answer, feature_provenance=still)
    if isinstance(answer, FeatureVector):
        return replace(answer, provenance=replace(answer.provenance, age=timedelta()))
    return answer


def test_every_method_of_the_contract_has_its_method() -> None:
    # Names differ from the contract's only in how they are written.
    from tickcast._methods import methods

    contract = {path.rpartition("/")[2].lower() for path in methods()}
    assert contract <= {name.replace("_", "") for name in public(Client)}


async def test_predicts_by_symbol_features_and_bars_alike(ask: Ask) -> None:
    sent = await ask("ingest_bars", bars(0, 300))
    assert [result.position.sequence for result in sent] == list(range(1, 301))
    held = await ask("predict", "AAPL", model=MODEL)
    assert held.model_version == "models/tiny/versions/1"
    assert held.as_of_time == datetime.fromtimestamp(int(SERIES.close_time[-1]), UTC)
    assert held.target_time - held.as_of_time == timedelta(days=1)
    assert held.price_interval.lower < held.predicted_price < held.price_interval.upper
    assert held.feature_provenance.source is FeatureSource.CACHE
    assert held.direction_probability is not None

    vector = await ask("get_features", "AAPL", "1d", feature_set=held.feature_set)
    assert vector.names == tuple(CORE.names)
    expected = CORE.compute(last_window(CORE, SERIES.open_time, SERIES.ohlcv))[0]
    assert vector.values == tuple(expected.tolist())
    features = Features(values=vector.values, as_of_time=vector.as_of_time)
    given = await ask("predict", "AAPL", model=MODEL, features=features)
    assert given.predicted_return == held.predicted_return
    assert given.last_close is given.predicted_price is given.price_interval is None
    from_bars = await ask("predict", "X", model=MODEL, bars=bars(0, 300, "X"))
    assert from_bars.predicted_return == held.predicted_return
    assert from_bars.feature_provenance.source is FeatureSource.REQUEST_BARS


async def test_a_batch_answers_each_item_on_its_own(ask: Ask) -> None:
    await ask("ingest_bars", bars(0, 100))
    items = ["AAPL", "NOPE", BatchItem(symbol="AAPL", model="models/nope")]
    good, unknown_symbol, unknown_model = await ask("batch_predict", items, model=MODEL)
    assert isinstance(good, Prediction)
    assert isinstance(unknown_symbol, SymbolNotFound)
    assert isinstance(unknown_model, ModelNotFound)
    many = await ask("batch_predict", ["AAPL"] * 5_000 + ["NOPE"], model=MODEL)
    assert [type(item) for item in many[4_999:]] == [Prediction, SymbolNotFound]
    violations = (await ask("batch_predict", ["AAPL"] * 5_000 + [""], model=MODEL))[-1].violations
    assert [violation.field for violation in violations] == ["items[5000].symbol"]


async def test_refused_bars_are_raised_with_the_fate_of_all(ask: Ask) -> None:
    good, bad, after = bars(0, 3)
    bad = Bar(**{name: getattr(bad, name) for name in Bar.__slots__} | {"high": bad.low / 2})
    with pytest.raises(BarsRefused, match=r"2 of 3 bars refused; the first: .*bars\[1\]") as caught:
        await ask("ingest_bars", [good, bad, after])
    assert [result.error is None for result in caught.value.results] == [True, False, False]
    assert isinstance(caught.value.results[2].error, tickcast.PrecedingBarRefused)
    assert "bars[1].high" in [violation.field for violation in caught.value.violations]
    again = await ask("ingest_bars", [good])
    assert again[0].duplicate


async def test_bars_behind_a_refused_one_are_not_sent_in_the_next_request(ask: Ask) -> None:
    sent = bars(0, 1) * 5_001
    sent[10] = bars(0, 1, symbol="not a symbol")[0]
    with pytest.raises(BarsRefused, match="the last 1 were not sent") as caught:
        await ask("ingest_bars", sent)
    assert len(caught.value.results) == 5_000


async def test_lists_every_page(ask: Ask) -> None:
    await ask("ingest_bars", bars(0, 300))
    listed = await ask("list_bars", "AAPL", "1d")
    assert [bar.open_time for bar in listed] == [bar.open_time for bar in bars(0, 300)]
    assert listed[7].close_time == listed[7].open_time + timedelta(days=1)
    part = await ask("list_bars", "AAPL", "1d", start=listed[3].open_time, end=listed[9].open_time)
    assert part == listed[3:9]
    (summary,) = await ask("list_symbols", timeframe="1d")
    assert (summary.symbol, summary.bars, summary.position.sequence) == ("AAPL", 300, 300)
    assert await ask("list_symbols", timeframe="5m") == []


async def test_shows_models_and_feature_sets(ask: Ask) -> None:
    (model,) = await ask("list_models")
    assert model == await ask("get_model", MODEL)
    assert model.aliases == {"champion": "models/tiny/versions/1"}
    assert model.default_version == model.newest_version == "models/tiny/versions/1"
    (version,) = await ask("list_model_versions", MODEL)
    assert version == await ask("get_model_version", "models/tiny/versions/champion")
    assert version.state is ModelVersionState.READY
    assert version.failure is None
    assert version.load_time is not None
    (feature_set,) = await ask("list_feature_sets")
    assert feature_set == await ask("get_feature_set", version.feature_set)
    assert feature_set.features[0].name == CORE.names[0]


async def test_errors_name_reason_and_field(ask: Ask) -> None:
    with pytest.raises(ModelNotFound) as missing:
        await ask("predict", "AAPL", model="models/nope")
    assert missing.value.reason == "MODEL_NOT_FOUND"
    assert missing.value.request_id
    with pytest.raises(InvalidRequest) as invalid:
        await ask("predict", "", model="")
    assert {violation.field for violation in invalid.value.violations} == {"symbol", "model"}


async def test_what_cannot_be_sent_is_refused_before_it_is(ask: Ask) -> None:
    naive = datetime(2012, 1, 1)  # noqa: DTZ001  # the mistake that this is about
    with pytest.raises(ValueError, match=r"start: was 2012-01-01T00:00:00 without a zone"):
        await ask("list_bars", "AAPL", "1d", start=naive)
    features = Features(values=[1.0], as_of_time=datetime.now(UTC))
    with pytest.raises(ValueError, match="needed one of them"):
        await ask("predict", "AAPL", model=MODEL, features=features, bars=[])


@pytest.mark.parametrize("connect", [blocking, asynchronous])
async def test_a_server_that_never_answers_costs_no_more_than_the_timeout(connect: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with connect(f"127.0.0.1:{silent.getsockname()[1]}") as ask:
            with pytest.raises(tickcast.DeadlineExceeded):
                await ask("predict", "AAPL", model=MODEL, timeout=0.2)


@pytest.mark.parametrize("connect", [blocking, asynchronous])
async def test_no_server_is_an_error_of_its_own(connect: Any, tmp_path: Path) -> None:
    async with connect(f"unix:{tmp_path}/nobody") as ask:
        with pytest.raises((ServerUnavailable, tickcast.DeadlineExceeded)) as caught:
            await ask("list_models")
    assert isinstance(caught.value, TickcastError)


async def test_streams_begin_with_what_is_asked_and_end_when_closed(server: App) -> None:
    async with AsyncClient(server.address) as client:
        await client.ingest_bars(bars(0, 99))
        async with client.stream_prices("1d", snapshot=True) as prices:
            assert isinstance(await anext(prices), StreamStarted)
            first = await anext(prices)
            assert isinstance(first, BarEvent)
            await client.ingest_bars(bars(99, 100))
            second = await anext(prices)
            reading = asyncio.ensure_future(anext(prices))
            await asyncio.sleep(0.05)
            await prices.close()
            with pytest.raises(StopAsyncIteration):
                await reading
        positions = prices.positions
    assert [position.sequence for position in positions] == [100]

    def read() -> list[Any]:
        with Client(server.address) as blocking_client:
            with blocking_client.stream_prices("1d", resume_after=[first.position]) as stream:
                events = [next(stream), next(stream)]
            assert list(stream) == []
            return events

    again = await asyncio.to_thread(read)
    assert isinstance(again[0], StreamStarted)
    assert again[1] == second
