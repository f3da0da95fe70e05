"""Whatever happens between two questions, an answer given again is the one that would be made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast_modelkit.features import CORE, FeatureSet, last_window
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.errors import SymbolNotFound, TickcastError
from tickcast_server.observe.metrics import Metrics
from tickcast_server.rpc.answers import Answers
from tickcast_server.rpc.call import Call
from tickcast_server.rpc.prediction import PredictionServicer
from tickcast_server.serving.batch_predictor import BatchPredictor
from tickcast_server.serving.batching import Batching, BatchLimit
from tickcast_server.serving.matrix import MatrixPredictor
from tickcast_server.serving.model import LoadedModel, load_model
from tickcast_server.serving.models import ModelEntry, Models, ModelVersion
from tickcast_server.serving.predictor import Predictor
from tickcast_server.serving.staleness import AgeLimit, Staleness
from tickcast_server.store.store import FeatureRow, SeriesKey
from tickcast_server.turn import Turn

AddPackage = Callable[..., Path]

SERIES = random_walk_bars(300, symbol="A")
FEATURES = CORE.compute(last_window(CORE, SERIES.open_time, SERIES.ohlcv))[0]

# Weighted, so that the same is asked again before and after what changes its answer.
SYMBOLS = st.sampled_from(["A", "A", "A", "B"])
TIMEFRAMES = st.sampled_from(["", "", "", "1d", "5m"])
MODELS = st.sampled_from(
    [
        *["models/tiny"] * 4,
        "models/tiny/versions/1",
        "models/tiny/versions/nightly",
        "models/none",
    ]
)

START = 1e9
DAY = 86_400


@dataclass(frozen=True)
class Ask:
    model: str
    symbol: str
    timeframe: str


@dataclass(frozen=True)
class CloseBar:
    symbol: str


@dataclass(frozen=True)
class Promote:
    version: int


@dataclass(frozen=True)
class Reload:
    version: int


@dataclass(frozen=True)
class LoseStore:
    stale: bool


@dataclass(frozen=True)
class Wait:
    seconds: float


Event = Ask | CloseBar | Promote | Reload | LoseStore | Wait

EVENTS = st.lists(
    st.one_of(
        *[st.builds(Ask, MODELS, SYMBOLS, TIMEFRAMES)] * 5,
        *[st.builds(CloseBar, SYMBOLS)] * 2,
        st.builds(Promote, st.integers(1, 2)),
        st.builds(Reload, st.integers(1, 2)),
        st.builds(LoseStore, st.booleans()),
        st.builds(Wait, st.floats(0, 1e6)),
    ),
    min_size=10,
    max_size=50,
)


@dataclass
class World:
    """What answers follow from."""

    models: Models
    versions: dict[int, LoadedModel]
    champion: int = 1
    now: float = START
    stale: bool = False
    staleness: Staleness = field(
        default_factory=lambda: Staleness(AgeLimit(bars=None, refuse=False), {})
    )
    rows: dict[SeriesKey, FeatureRow] = field(default_factory=dict)

    def cached_features(self, key: SeriesKey, feature_set: str) -> FeatureRow | None:
        return self.rows.get(key)

    async def features(
        self,
        key: SeriesKey,
        feature_set: FeatureSet,
        *,
        sequence: int | None = None,
        turn: Turn | None = None,
    ) -> tuple[FeatureRow, bool]:
        raise SymbolNotFound(key.symbol)

    async def features_of_many(
        self, places: Sequence[tuple[SeriesKey, int | None]], feature_set: FeatureSet, turn: Turn
    ) -> list[tuple[FeatureRow, bool] | TickcastError]:
        return [SymbolNotFound(key.symbol) for key, _ in places]

    def happen(self, event: Event) -> None:
        match event:
            case CloseBar():
                self.close_bar(SeriesKey(event.symbol, "1d"))
            case Promote():
                self.champion = event.version
                self.publish()
            case Reload():
                self.versions[event.version] = replace(self.versions[event.version])
                self.publish()
            case LoseStore():
                self.stale = event.stale
            case Wait():
                self.now += event.seconds
            case Ask():
                pass

    def close_bar(self, key: SeriesKey) -> None:
        before = self.rows.get(key)
        sequence = before.sequence + 1 if before else 1
        self.rows[key] = FeatureRow(
            sequence=sequence,
            as_of_time=DAY * sequence,
            last_close=100.0 + sequence,
            bars_used=256,
            values=FEATURES * np.float32(sequence),
        )

    def publish(self) -> None:
        versions = {
            number: ModelVersion(name=model.name, loaded=model, failure=None)
            for number, model in self.versions.items()
        }
        entry = ModelEntry(
            name="tiny",
            versions=versions,
            aliases={"nightly": 3 - self.champion},
            default=self.champion,
        )
        self.models.replace({"tiny": entry})


class Context:
    """A call that has all the time in the world."""

    def time_remaining(self) -> None:
        return None

    def cancelled(self) -> bool:
        return False


def servicer(world: World, metrics: Metrics, *, kept: int) -> PredictionServicer:
    return PredictionServicer(
        predictor=Predictor(
            world.models,
            world,
            batching=Batching(BatchLimit(most=1, delay=0.0), {}, observer=metrics),
            staleness=world.staleness,
            observer=metrics,
            now=lambda: world.now,
        ),
        batches=BatchPredictor(
            world.models,
            world,
            staleness=world.staleness,
            observer=metrics,
            now=lambda: world.now,
        ),
        answers=Answers(
            world.models,
            world,
            most=kept,
            staleness=world.staleness,
            observer=metrics,
            now=lambda: world.now,
        ),
        models=world.models,
        matrices=MatrixPredictor(world.models, observer=metrics),
        feed=None,  # type: ignore[arg-type]  # for streams alone
        streams=None,  # type: ignore[arg-type]  # for streams alone
    )


async def outcome(asked: PredictionServicer, ask: Ask) -> Message | tuple[type, str]:
    request = pb.PredictRequest(model=ask.model, symbol=ask.symbol, timeframe=ask.timeframe)
    call = Call(Context(), (), Turn())  # type: ignore[arg-type]
    try:
        answer = asked.predict_at_once(request.SerializeToString(), call.turn)
        if answer is None:
            answer = await asked.predict(request, call)
    except TickcastError as error:
        return type(error), error.message
    # As the wrapper does, before anybody else asks.
    return pb.PredictResponse.FromString(answer.SerializeToString())


def reused(metrics: Metrics) -> float:
    return sum(
        sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "tickcast_answers_reused_total"
    )


@pytest.fixture
def versions(repository: Path, add_package: AddPackage) -> dict[int, LoadedModel]:
    for seed in (1, 2):
        add_package(seed=seed)
    return {
        number: load_model(
            repository / "tiny" / str(number), feature_sets={CORE.id: CORE}, threads=1, now=0.0
        )
        for number in (1, 2)
    }


@pytest.mark.parametrize("refuse", [False, True])
@pytest.mark.parametrize("kept", [1, 2, 100])
def test_an_answer_given_again_is_the_one_that_would_be_made(
    versions: dict[int, LoadedModel], kept: int, refuse: bool
) -> None:
    # Some of the answers are outdated, as time goes by and as bars close.
    staleness = Staleness(AgeLimit(bars=START / DAY + 5, refuse=refuse), {})

    totals = []

    async def run(events: list[Event]) -> None:
        world = World(Models(), dict(versions), staleness=staleness)
        world.publish()
        world.close_bar(SeriesKey("A", "1d"))
        metrics = Metrics(stages=False)
        again = servicer(world, metrics, kept=kept)
        anew = servicer(world, Metrics(stages=False), kept=0)
        for event in events:
            world.happen(event)
            if isinstance(event, Ask):
                assert await outcome(again, event) == await outcome(anew, event)
        totals.append(reused(metrics))

    @given(EVENTS)
    def holds(events: list[Event]) -> None:
        asyncio.run(run(events))

    holds()
    # Else nothing would have been shown.
    assert sum(totals) > 0


async def test_no_more_answers_are_kept_than_allowed(versions: dict[int, LoadedModel]) -> None:
    world = World(Models(), dict(versions))
    world.publish()
    for symbol in "ABC":
        world.close_bar(SeriesKey(symbol, "1d"))
    metrics = Metrics(stages=False)
    asked = servicer(world, metrics, kept=2)
    for symbol in "ABACA":
        await outcome(asked, Ask("models/tiny", symbol, ""))
    # A was asked last each time that another had to go: it is given again twice, B and C never.
    assert reused(metrics) == 2
    await outcome(asked, Ask("models/tiny", "B", ""))
    assert reused(metrics) == 2


async def test_what_is_no_part_of_a_request_takes_no_room(
    versions: dict[int, LoadedModel],
) -> None:
    world = World(Models(), dict(versions))
    world.publish()
    world.close_bar(SeriesKey("A", "1d"))
    metrics = Metrics(stages=False)
    asked = servicer(world, metrics, kept=2)
    request = pb.PredictRequest(model="models/tiny", symbol="A").SerializeToString()
    # A field that nobody knows, of 5,000 bytes.
    unknown = request + b"\xfa\x7f\x88\x27" + b"x" * 5_000

    for _ in range(2):
        assert asked.predict_at_once(unknown, Turn()) is not None
    assert reused(metrics) == 0
    for _ in range(2):
        assert asked.predict_at_once(request, Turn()) is not None
    assert reused(metrics) == 1


async def test_a_new_version_or_bar_is_answered_for_at_once(
    versions: dict[int, LoadedModel],
) -> None:
    world = World(Models(), dict(versions))
    world.publish()
    world.close_bar(SeriesKey("A", "1d"))
    metrics = Metrics(stages=False)
    asked = servicer(world, metrics, kept=2)
    ask = Ask("models/tiny", "A", "")
    for event in (CloseBar("A"), Promote(2), Reload(2)):
        await outcome(asked, ask)
        world.happen(event)
        before = reused(metrics)
        await outcome(asked, ask)
        assert reused(metrics) == before
