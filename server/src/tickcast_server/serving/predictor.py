"""The core: from a query to a prediction, with no server, no wire and no event loop tricks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
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
from tickcast_server.serving.outlook import Outlook, outlook_of, outlooks_of
from tickcast_server.serving.runs import run_rows
from tickcast_server.serving.staleness import Staleness
from tickcast_server.store.feature_rows import compute_row
from tickcast_server.store.store import BarBlock, FeatureRow, SeriesKey
from tickcast_server.turn import SEVERAL, Stage, Turn


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


class Interval(NamedTuple):
    lower: float
    upper: float
    coverage: float


class Prediction(NamedTuple):
    """See `tickcast.v1.Prediction`. Times in seconds since the epoch, ages in seconds."""

    symbol: str
    timeframe: str
    as_of_time: int
    target_time: int
    horizon_bars: int
    last_close: float | None
    predicted_return: float
    predicted_price: float | None
    return_interval: Interval
    price_interval: Interval | None
    direction_probability: float | None
    model_version: str
    feature_set: str
    source: FeatureSource
    age: float
    stale: bool
    outdated: bool
    bars_used: int


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


class _Prepared(NamedTuple):
    query: PredictQuery
    model: LoadedModel
    values: NDArray[np.float32]
    as_of_time: int
    last_close: float | None
    bars_used: int
    source: FeatureSource
    stale: bool = False
    outdated: bool = False


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
        prepared = await self._prepare(query, turn)
        turn.model_version = prepared.model.name
        turn.end(Stage.FEATURES)
        answer = await self._batching.run(prepared.model, prepared.values)
        turn.end(Stage.INFERENCE)
        return self._finish(prepared, outlook_of(prepared.model, prepared.values, answer))

    async def predict_many(
        self, queries: Sequence[PredictQuery], turn: Turn
    ) -> list[Prediction | TickcastError]:
        """A prediction or an error for each query, in order; one model call for each model.

        Raises `NobodyWaits`, before a model is run.
        """
        outcomes: list[Prediction | TickcastError | None] = [None] * len(queries)
        groups: dict[str, list[tuple[int, _Prepared]]] = {}
        for index, prepared in enumerate(await self._prepare_many(queries, turn)):
            if isinstance(prepared, TickcastError):
                outcomes[index] = prepared
            else:
                groups.setdefault(prepared.model.name, []).append((index, prepared))
        turn.model_version = SEVERAL if len(groups) > 1 else next(iter(groups), "")
        turn.end(Stage.FEATURES)
        for group in groups.values():
            turn.check()
            outlooks = await self._run([prepared for _, prepared in group], turn)
            for (index, prepared), outlook in zip(group, outlooks, strict=True):
                outcomes[index] = self._finish(prepared, outlook)
            turn.end(Stage.ENCODING)
        return [outcome for outcome in outcomes if outcome is not None]

    async def _run(self, group: Sequence[_Prepared], turn: Turn) -> Iterator[Outlook]:
        model = group[0].model
        rows = np.stack([prepared.values for prepared in group])
        answers = await run_rows(model, rows, self._observer)
        turn.end(Stage.INFERENCE)
        return outlooks_of(model, rows, answers).each()

    async def _prepare_many(
        self, queries: Sequence[PredictQuery], turn: Turn
    ) -> list[_Prepared | TickcastError]:
        found: list[_Prepared | TickcastError | None] = [None] * len(queries)
        held: dict[LoadedModel, list[tuple[int, tuple[SeriesKey, int | None]]]] = {}
        for index, query in enumerate(queries):
            try:
                model = self._model_of(query)
                if isinstance(query.source, HeldBars):
                    place = SeriesKey(query.symbol, model.timeframe), query.source.sequence
                    held.setdefault(model, []).append((index, place))
                else:
                    found[index] = _given(query, model, query.source)
            except TickcastError as error:
                found[index] = error
        for model, group in held.items():
            rows = await self._features.features_of_many(
                [place for _, place in group], model.feature_set, turn
            )
            for (index, _), outcome in zip(group, rows, strict=True):
                found[index] = self._held_or_error(queries[index], model, outcome)
        return [outcome for outcome in found if outcome is not None]

    def _held_or_error(
        self,
        query: PredictQuery,
        model: LoadedModel,
        outcome: tuple[FeatureRow, bool] | TickcastError,
    ) -> _Prepared | TickcastError:
        if isinstance(outcome, TickcastError):
            return outcome
        row, cached = outcome
        try:
            return self._held(query, model, row, cached=cached)
        except TickcastError as error:
            return error

    async def _prepare(self, query: PredictQuery, turn: Turn) -> _Prepared:
        model = self._model_of(query)
        source = query.source
        if not isinstance(source, HeldBars):
            return _given(query, model, source)
        key = SeriesKey(query.symbol, model.timeframe)
        row = None
        if source.sequence is None:
            row = self._features.cached_features(key, model.feature_set.id)
        cached = row is not None
        if row is None:
            row, cached = await self._features.features(
                key, model.feature_set, sequence=source.sequence, turn=turn
            )
        return self._held(query, model, row, cached=cached)

    def _model_of(self, query: PredictQuery) -> LoadedModel:
        model = self._models.resolve(query.model)
        if query.timeframe is not None:
            _check_timeframe("timeframe", query.timeframe, model)
        return model

    def _held(
        self, query: PredictQuery, model: LoadedModel, row: FeatureRow, *, cached: bool
    ) -> _Prepared:
        return _from_row(
            query,
            model,
            row,
            FeatureSource.CACHE if cached else FeatureSource.RECOMPUTED,
            stale=self._features.stale,
            outdated=self._staleness.is_outdated(model, query.symbol, self._now() - row.as_of_time),
        )

    def _finish(self, prepared: _Prepared, outlook: Outlook) -> Prediction:
        model, last_close = prepared.model, prepared.last_close
        value, lower, upper, rise = outlook
        age = max(self._now() - prepared.as_of_time, 0.0)
        self._observer.features_served(prepared.source, age)
        coverage = model.band.coverage
        horizon = model.manifest.horizon_bars
        prices = [_grown(last_close, growth) for growth in (lower, value, upper)]
        low, predicted_price, high = prices
        return Prediction(
            symbol=prepared.query.symbol,
            timeframe=model.timeframe,
            as_of_time=prepared.as_of_time,
            target_time=prepared.as_of_time + horizon * model.manifest.timeframe.seconds,
            horizon_bars=horizon,
            last_close=last_close,
            predicted_return=value,
            predicted_price=predicted_price,
            return_interval=Interval(lower=lower, upper=upper, coverage=coverage),
            price_interval=None
            if low is None or high is None
            else Interval(lower=low, upper=high, coverage=coverage),
            direction_probability=rise,
            model_version=model.name,
            feature_set=f"featureSets/{model.feature_set.id}",
            source=prepared.source,
            age=age,
            stale=prepared.stale,
            outdated=prepared.outdated,
            bars_used=prepared.bars_used,
        )


def _grown(last_close: float | None, log_return: float) -> float | None:
    """The price after a return; None without a price, or when it would be no number."""
    if last_close is None:
        return None
    try:
        return last_close * math.exp(log_return)
    except OverflowError:
        return None


def _given(query: PredictQuery, model: LoadedModel, source: GivenFeatures | GivenBars) -> _Prepared:
    if isinstance(source, GivenFeatures):
        return _from_features(query, model, source)
    return _from_bars(query, model, source)


def _from_features(query: PredictQuery, model: LoadedModel, source: GivenFeatures) -> _Prepared:
    needed = len(model.feature_set.names)
    if len(source.values) != needed:
        raise InvalidRequest.of(
            source.field,
            f"was {len(source.values)} values, needed {needed}: those of "
            f"featureSets/{model.feature_set.id}",
            "FEATURE_COUNT_MISMATCH",
        )
    return _Prepared(
        query=query,
        model=model,
        values=source.values,
        as_of_time=source.as_of_time,
        last_close=source.last_close,
        bars_used=0,
        source=FeatureSource.REQUEST_FEATURES,
    )


def _from_bars(query: PredictQuery, model: LoadedModel, source: GivenBars) -> _Prepared:
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
) -> _Prepared:
    return _Prepared(
        query=query,
        model=model,
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
