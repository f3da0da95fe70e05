"""From many queries to their predictions, one call of each model that they name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tickcast_server.errors import TickcastError
from tickcast_server.serving.columns import (
    InputColumns,
    Origin,
    PredictionColumns,
    PriceColumns,
)
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import ModelRef, Models
from tickcast_server.serving.outlook import outlooks_of
from tickcast_server.serving.predictor import (
    FeatureProvider,
    FeatureSource,
    HeldBars,
    Prediction,
    PredictQuery,
    check_feature_count,
    given_input,
    model_of,
)
from tickcast_server.serving.runs import run_rows
from tickcast_server.serving.staleness import Staleness
from tickcast_server.store.store import FeatureRow, SeriesKey
from tickcast_server.turn import SEVERAL, Stage, Turn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenColumns:
    """Predict these rows of features that the caller computed, all with one model."""

    model: ModelRef
    field: str
    """Where the values of each came in the request, for whoever is told that they are wrong."""

    inputs: InputColumns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldColumns:
    """Predict from the last bars of these symbols, all with one model."""

    model: ModelRef
    places: Sequence[int]
    symbols: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchQuery:
    """What to predict. Each item has its place, in one of the three."""

    queries: Mapping[int, PredictQuery]
    held: HeldColumns | None = None
    given: GivenColumns | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchAnswer:
    """What became of each place."""

    predictions: Sequence[PredictionColumns]
    """Of each model."""

    refused: Mapping[int, TickcastError]

    def __len__(self) -> int:
        return len(self.refused) + sum(len(found.ages) for found in self.predictions)


class BatchObserver(Protocol):
    """Counts what is predicted together."""

    def features_served_together(
        self, sources: Mapping[FeatureSource, int], ages: NDArray[np.float64]
    ) -> None: ...

    def inference(self, model: LoadedModel, rows: int, seconds: float) -> None: ...


class _Held(NamedTuple):
    """An item that is predicted from the bars that the server holds."""

    place: int
    key: SeriesKey
    sequence: int | None


class _Sorted:
    """The items of a batch by the model that they ask, and those that are refused."""

    def __init__(self) -> None:
        self.inputs: defaultdict[LoadedModel, list[InputColumns]] = defaultdict(list)
        self.held: defaultdict[LoadedModel, list[_Held]] = defaultdict(list)
        self.refused: dict[int, TickcastError] = {}


class BatchPredictor:
    """Answers batches. Used by one event loop."""

    def __init__(
        self,
        models: Models,
        features: FeatureProvider,
        *,
        staleness: Staleness,
        observer: BatchObserver,
        now: Callable[[], float],
    ) -> None:
        self._models = models
        self._features = features
        self._staleness = staleness
        self._observer = observer
        self._now = now

    async def predict(self, batch: BatchQuery, turn: Turn) -> BatchAnswer:
        """A prediction or a refusal of each item, as `Predictor.predict` has it.

        Raises `NobodyWaits`, before a model is run.
        """
        items = self._sorted(batch)
        for model, held in items.held.items():
            await self._look_up(model, held, items, turn)
        turn.model_version = _name(items.inputs)
        turn.end(Stage.FEATURES)
        predictions = []
        for model, parts in items.inputs.items():
            turn.check()
            predictions.append(await self._run(model, InputColumns.joined(parts), turn))
            turn.end(Stage.ENCODING)
        return BatchAnswer(predictions=predictions, refused=items.refused)

    async def predict_many(
        self, queries: Sequence[PredictQuery], turn: Turn
    ) -> list[Prediction | TickcastError]:
        """A prediction or an error for each query, in order.

        Raises `NobodyWaits`, before a model is run.
        """
        answer = await self.predict(BatchQuery(queries=dict(enumerate(queries))), turn)
        outcomes: dict[int, Prediction | TickcastError] = dict(answer.refused)
        for found in answer.predictions:
            outcomes.update(zip(found.inputs.places, found.each(), strict=True))
        return [outcomes[place] for place in range(len(queries))]

    def _sorted(self, batch: BatchQuery) -> _Sorted:
        items = _Sorted()
        if batch.held is not None:
            self._take_held(batch.held, items)
        if batch.given is not None:
            self._take_given(batch.given, items)
        for place, query in batch.queries.items():
            try:
                model = model_of(query, self._models)
                if isinstance(query.source, HeldBars):
                    key = SeriesKey(query.symbol, model.timeframe)
                    items.held[model].append(_Held(place, key, query.source.sequence))
                else:
                    given = given_input(query, model, query.source)
                    items.inputs[model].append(InputColumns.of(place, given))
            except TickcastError as error:
                items.refused[place] = error
        return items

    def _take_held(self, held: HeldColumns, items: _Sorted) -> None:
        try:
            model = self._models.resolve(held.model)
        except TickcastError as error:
            items.refused.update(dict.fromkeys(held.places, error))
            return
        timeframe = model.timeframe
        items.held[model].extend(
            _Held(place, SeriesKey(symbol, timeframe), None)
            for place, symbol in zip(held.places, held.symbols, strict=True)
        )

    def _take_given(self, given: GivenColumns, items: _Sorted) -> None:
        try:
            model = self._models.resolve(given.model)
            check_feature_count(given.field, given.inputs.values.shape[1], model)
        except TickcastError as error:
            items.refused.update(dict.fromkeys(given.inputs.places, error))
        else:
            items.inputs[model].append(given.inputs)

    async def _look_up(
        self, model: LoadedModel, held: Sequence[_Held], items: _Sorted, turn: Turn
    ) -> None:
        found = await self._features.features_of_many(
            [(key, sequence) for _, key, sequence in held], model.feature_set, turn
        )
        stale, now = self._features.stale, self._now()
        rows: list[tuple[int, str, FeatureRow, Origin]] = []
        for (place, (symbol, _), _), outcome in zip(held, found, strict=True):
            if isinstance(outcome, TickcastError):
                items.refused[place] = outcome
                continue
            row, cached = outcome
            try:
                outdated = self._staleness.is_outdated(model, symbol, now - row.as_of_time)
            except TickcastError as error:
                items.refused[place] = error
                continue
            source = FeatureSource.CACHE if cached else FeatureSource.RECOMPUTED
            rows.append((place, symbol, row, Origin(source, row.bars_used, stale, outdated)))
        if rows:
            items.inputs[model].append(_columns(rows))

    async def _run(self, model: LoadedModel, inputs: InputColumns, turn: Turn) -> PredictionColumns:
        answers = await run_rows(model, inputs.values, self._observer)
        turn.end(Stage.INFERENCE)
        outlooks = outlooks_of(model, inputs.values, answers)
        ages = np.maximum(self._now() - np.array(inputs.as_of_times, dtype=np.float64), 0.0)
        sources = Counter(origin.source for origin in inputs.origins)
        self._observer.features_served_together(sources, ages)
        return PredictionColumns(
            model=model,
            inputs=inputs,
            outlooks=outlooks,
            prices=PriceColumns.of(inputs.last_closes, outlooks),
            ages=ages.tolist(),
        )


def _name(asked: Mapping[LoadedModel, object]) -> str:
    if len(asked) > 1:
        return SEVERAL
    return next((model.name for model in asked), "")


def _columns(rows: Sequence[tuple[int, str, FeatureRow, Origin]]) -> InputColumns:
    places, symbols, found, origins = zip(*rows, strict=True)
    return InputColumns(
        places=places,
        symbols=symbols,
        values=np.concatenate([row.values for row in found]).reshape(len(rows), -1),
        as_of_times=[row.as_of_time for row in found],
        last_closes=[row.last_close for row in found],
        origins=origins,
    )
