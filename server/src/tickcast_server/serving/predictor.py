"""The core: from a query to a prediction, with no server, no wire and no event loop tricks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import find_bar_problems
from tickcast_modelkit.errors import TooFewBars
from tickcast_modelkit.features import FeatureSet
from tickcast_modelkit.timeframe import Timeframe

from tickcast_server.errors import (
    InvalidRequest,
    NotEnoughBars,
    TickcastError,
    Violation,
)
from tickcast_server.serving.batching import Batching
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import ModelRef, Models
from tickcast_server.serving.outlook import Outlook, outlook_of
from tickcast_server.serving.session import Answer
from tickcast_server.serving.staleness import Staleness
from tickcast_server.store.feature_rows import compute_row
from tickcast_server.store.store import BarBlock, FeatureRow, SeriesKey
from tickcast_server.turn import Stage, Turn


class FeatureSource(StrEnum):
    """How a feature vector was obtained."""

    CACHE = auto()
    RECOMPUTED = auto()
    REQUEST_FEATURES = auto()
    REQUEST_BARS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBars:
    """Predict from the bars that the server holds."""

    sequence: int | None = None
    """The as-of bar; the last one when None."""


# What is made for every call is a named tuple: a frozen dataclass takes twice as long to make.
class GivenFeatures(NamedTuple):
    """Predict from features that the caller computed."""

    field: str
    """Where in the request they came, for whoever is told that they are wrong."""

    values: NDArray[np.float32]
    as_of_time: int
    last_close: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenBars:
    """Predict from bars that came with the request."""

    block: BarBlock
    """As they came: checked against the model's timeframe when it is known."""

    timeframe: str | None
    """What the bars say of themselves, when they say it."""


class PredictQuery(NamedTuple):
    """What to predict."""

    model: ModelRef
    symbol: str
    timeframe: str | None
    """What the caller expects; None for the model's."""

    source: HeldBars | GivenFeatures | GivenBars


class ModelInput(NamedTuple):
    """What a model is asked about. Times in seconds since the epoch."""

    model: LoadedModel
    symbol: str
    values: NDArray[np.float32]
    """(F,)."""

    as_of_time: int
    last_close: float | None
    bars_used: int
    source: FeatureSource
    stale: bool = False
    outdated: bool = False


class Prices(NamedTuple):
    """An outlook in prices. None without a last close, or where it would be no number."""

    predicted: float | None = None
    lower: float | None = None
    upper: float | None = None


class Prediction(NamedTuple):
    """See `tickcast.v1.Prediction`."""

    input: ModelInput
    outlook: Outlook
    prices: Prices
    age: float
    """Of the input, in seconds."""

    @property
    def target_time(self) -> int:
        """What it is of, in seconds since the epoch."""
        return self.input.as_of_time + self.input.model.horizon_seconds


class FeatureProvider(Protocol):
    """Where features by symbol come from."""

    stale: bool

    def cached_features(self, key: SeriesKey, feature_set: str) -> FeatureRow | None: ...

    async def features(
        self,
        key: SeriesKey,
        feature_set: FeatureSet,
        *,
        sequence: int | None = None,
        turn: Turn | None = None,
    ) -> tuple[FeatureRow, bool]: ...

    async def features_of_many(
        self,
        places: Sequence[tuple[SeriesKey, int | None]],
        feature_set: FeatureSet,
        turn: Turn,
    ) -> list[tuple[FeatureRow, bool] | TickcastError]: ...


class Observer(Protocol):
    """Counts what the predictor does."""

    def features_served(self, source: FeatureSource, age: float) -> None: ...

    def inference(self, model: LoadedModel, rows: int, seconds: float) -> None: ...


class Predictor:
    """Answers queries. Used by one event loop."""

    def __init__(
        self,
        models: Models,
        features: FeatureProvider,
        *,
        batching: Batching,
        staleness: Staleness,
        observer: Observer,
        now: Callable[[], float],
    ) -> None:
        self._models = models
        self._features = features
        self._batching = batching
        self._staleness = staleness
        self._observer = observer
        self._now = now

    async def predict(self, query: PredictQuery, turn: Turn) -> Prediction:
        """One prediction.

        Raises the errors of `Models.resolve` and `Memory.features`, `NotEnoughBars`,
        `PredictionOutdated`, `InvalidRequest` and, before the model is run, `NobodyWaits`.
        """
        given = await self._prepare(query, turn)
        self._book(given, turn)
        answer = await self._batching.run(given.model, given.values)
        return self._finish(given, answer, turn)

    def predict_at_once(self, query: PredictQuery, turn: Turn) -> Prediction | None:
        """The same of features that came with the request or are in memory.

        None where there is a wait in it. Raises the errors of `Models.resolve`,
        `PredictionOutdated` and `InvalidRequest`.
        """
        model = model_of(query, self._models)
        given = None if self._batching.gathers(model) else self._at_hand(query, model)
        if given is None:
            return None
        self._book(given, turn)
        return self._finish(given, self._batching.run_one(model, given.values), turn)

    def _book(self, given: ModelInput, turn: Turn) -> None:
        turn.model_version = given.model.name
        turn.end(Stage.FEATURES)

    async def _prepare(self, query: PredictQuery, turn: Turn) -> ModelInput:
        model = model_of(query, self._models)
        given = self._at_hand(query, model)
        if given is not None:
            return given
        source = query.source
        if not isinstance(source, HeldBars):
            return given_input(query, model, source)
        row, cached = await self._features.features(
            SeriesKey(query.symbol, model.timeframe),
            model.feature_set,
            sequence=source.sequence,
            turn=turn,
        )
        return self._held(query, model, row, cached=cached)

    def _at_hand(self, query: PredictQuery, model: LoadedModel) -> ModelInput | None:
        source = query.source
        if isinstance(source, GivenFeatures):
            return given_input(query, model, source)
        if source != _LAST_BAR:
            return None
        key = SeriesKey(query.symbol, model.timeframe)
        row = self._features.cached_features(key, model.feature_set.id)
        return None if row is None else self._held(query, model, row, cached=True)

    def _held(
        self, query: PredictQuery, model: LoadedModel, row: FeatureRow, *, cached: bool
    ) -> ModelInput:
        source = FeatureSource.CACHE if cached else FeatureSource.RECOMPUTED
        age = self._now() - row.as_of_time
        return _from_row(
            query,
            model,
            row,
            source,
            stale=self._features.stale,
            outdated=self._staleness.is_outdated(model, query.symbol, age),
        )

    def _finish(self, given: ModelInput, answer: Answer, turn: Turn) -> Prediction:
        turn.end(Stage.INFERENCE)
        outlook = outlook_of(given.model, given.values, answer)
        age = max(self._now() - given.as_of_time, 0.0)
        self._observer.features_served(given.source, age)
        return Prediction(given, outlook, _prices(given.last_close, outlook), age)


def model_of(query: PredictQuery, models: Models) -> LoadedModel:
    """The version that answers a query.

    Raises the errors of `Models.resolve`, and `InvalidRequest` for another timeframe than its own.
    """
    model = models.resolve(query.model)
    if query.timeframe is not None:
        _check_timeframe("timeframe", query.timeframe, model)
    return model


_LAST_BAR = HeldBars()
_NO_PRICES = Prices()


def _prices(last_close: float | None, outlook: Outlook) -> Prices:
    if last_close is None:
        return _NO_PRICES
    return Prices(
        price_after(last_close, outlook.predicted),
        price_after(last_close, outlook.lower),
        price_after(last_close, outlook.upper),
    )


def price_after(last_close: float, log_return: float) -> float | None:
    """None where it would be no number."""
    try:
        return last_close * math.exp(log_return)
    except OverflowError:
        return None


def given_input(
    query: PredictQuery, model: LoadedModel, source: GivenFeatures | GivenBars
) -> ModelInput:
    """What the caller brought, as the model takes it.

    Raises `InvalidRequest` for what is not the model's, and `NotEnoughBars`.
    """
    if isinstance(source, GivenFeatures):
        return _from_features(query, model, source)
    return _from_bars(query, model, source)


def _from_features(query: PredictQuery, model: LoadedModel, source: GivenFeatures) -> ModelInput:
    check_feature_count(source.field, len(source.values), model)
    return ModelInput(
        model=model,
        symbol=query.symbol,
        values=source.values,
        as_of_time=source.as_of_time,
        last_close=source.last_close,
        bars_used=0,
        source=FeatureSource.REQUEST_FEATURES,
    )


def check_feature_count(field: str, count: int, model: LoadedModel) -> None:
    """Raises `InvalidRequest` when a row of so many features is not the model's."""
    if count != model.features:
        raise InvalidRequest.of(
            field,
            f"was {count} values, needed {model.features}: those of {model.feature_set_name}",
            "FEATURE_COUNT_MISMATCH",
        )


def _from_bars(query: PredictQuery, model: LoadedModel, source: GivenBars) -> ModelInput:
    if source.timeframe is not None:
        _check_timeframe("bars.bars[0].timeframe", source.timeframe, model)
    _refuse_ranks(model)
    _check_bars(source.block, model.manifest.timeframe)
    try:
        row = compute_row(model.feature_set, source.block)
    except TooFewBars as error:
        raise NotEnoughBars(
            query.symbol, model.timeframe, held=error.held, needed=error.needed
        ) from error
    return _from_row(query, model, row, FeatureSource.REQUEST_BARS)


def _from_row(
    query: PredictQuery,
    model: LoadedModel,
    row: FeatureRow,
    source: FeatureSource,
    *,
    stale: bool = False,
    outdated: bool = False,
) -> ModelInput:
    return ModelInput(
        model=model,
        symbol=query.symbol,
        values=row.values,
        as_of_time=row.as_of_time,
        last_close=row.last_close,
        bars_used=row.bars_used,
        source=source,
        stale=stale,
        outdated=outdated,
    )


def _refuse_ranks(model: LoadedModel) -> None:
    feature_set = model.feature_set
    if feature_set.ranks:
        raise InvalidRequest.of(
            "bars",
            "was of one symbol, needed features or nothing: "
            f"{model.name} ranks it among {len(feature_set.universe)} symbols",
        )


def _check_timeframe(field: str, timeframe: str, model: LoadedModel) -> None:
    if timeframe != model.timeframe:
        raise InvalidRequest.of(
            field,
            f"was {timeframe!r}, needed {model.timeframe!r}, the timeframe of {model.name}",
            "TIMEFRAME_MISMATCH",
        )


def _check_bars(block: BarBlock, timeframe: Timeframe) -> None:
    problems = find_bar_problems(block.open_time, block.close_time, block.ohlcv, timeframe)
    if problems:
        raise InvalidRequest(
            [
                Violation(
                    field=f"bars.bars[{problem.row}].{problem.column}",
                    description=f"was {problem.value}, needed {problem.needed}",
                    reason="BAR_INVALID",
                )
                for problem in problems
            ]
        )
