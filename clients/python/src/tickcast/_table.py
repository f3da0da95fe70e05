"""Results as columns, before any library of tables has to do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from operator import attrgetter
from typing import Any, TypeAlias

from tickcast._errors import TickcastError
from tickcast._events import (
    BarEvent,
    Gap,
    Heartbeat,
    PredictionEvent,
    Refusal,
    StreamStarted,
)
from tickcast._types import Bar, FeatureVector, Interval, Prediction, PredictionMatrix


class Kind(Enum):
    """What a column holds; every kind may be absent."""

    TEXT = auto()
    TIME = auto()
    SPAN = auto()
    NUMBER = auto()
    COUNT = auto()
    FLAG = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """One value for each row, `None` where there is none."""

    kind: Kind
    values: Sequence[Any]


Table: TypeAlias = Mapping[str, Column]
"""Columns of one length, by name."""

_Getter: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Results of one kind, which have the same columns."""

    types: tuple[type[Any], ...]
    """What has a row; the first stands for all of them."""

    columns: Callable[[Sequence[Any]], dict[str, Column]]

    passed_over: tuple[type[Any], ...] = ()
    """What has none."""


def table(results: object, of: type[Any] | None) -> Table:
    """The columns of results.

    Raises `TypeError` for what has none or not the same, `ValueError` where they cannot be told.
    """
    if isinstance(results, PredictionMatrix):
        return _matrix(results)
    # An error of a batch is no iterable, and a dataclass neither.
    items = list(results) if isinstance(results, Iterable) else [results]
    rows = _rows_of(items, of)
    for item in items:
        if not isinstance(item, rows.types + rows.passed_over):
            raise TypeError(
                f"results: hold {type(item).__name__} beside {rows.types[0].__name__}, "
                "needed one kind of them"
            )
    return rows.columns([item for item in items if isinstance(item, rows.types)])


def _rows_of(items: Sequence[Any], of: type[Any] | None) -> _Rows:
    names = ", ".join(rows.types[0].__name__ for rows in _KINDS)
    if of is not None:
        for rows in _KINDS:
            if of is rows.types[0]:
                return rows
        raise ValueError(f"of: was {of.__name__}, needed one of {names}")
    for item in items:
        for rows in _KINDS:
            if isinstance(item, rows.types):
                return rows
        if not isinstance(item, _WITHOUT_ROWS):
            raise TypeError(
                f"results: hold {type(item).__name__}, needed PredictionMatrix or some of {names}"
            )
    raise ValueError(f"results: have no row to tell the columns by, needed of= one of {names}")


def _columns(
    specification: Mapping[str, tuple[Kind, _Getter]], items: Sequence[Any]
) -> dict[str, Column]:
    return {
        name: Column(kind, [None if item is None else get(item) for item in items])
        for name, (kind, get) in specification.items()
    }


def _bars(bars: Sequence[Bar]) -> dict[str, Column]:
    return _columns(_BAR, bars)


def _bar_events(events: Sequence[BarEvent]) -> dict[str, Column]:
    return _bars([event.bar for event in events]) | _columns(_POSITION, events)


def _predictions(results: Sequence[Prediction | TickcastError]) -> dict[str, Column]:
    errors = [item if isinstance(item, TickcastError) else None for item in results]
    columns = _columns(
        _PREDICTION, [item if isinstance(item, Prediction) else None for item in results]
    )
    refused = [error and error.metadata.get("symbol") for error in errors]
    symbols = [own or other for own, other in zip(columns["symbol"].values, refused, strict=True)]
    return columns | {"symbol": Column(Kind.TEXT, symbols)} | _columns(_ERROR, errors)


def _prediction_events(events: Sequence[PredictionEvent | Refusal]) -> dict[str, Column]:
    columns = _predictions(
        [event.error if isinstance(event, Refusal) else event.prediction for event in events]
    )
    # What was refused is told by its place.
    return columns | _columns(_SERIES, events) | _columns(_POSITION, events)


def _vectors(vectors: Sequence[FeatureVector]) -> dict[str, Column]:
    columns = _columns(_VECTOR, vectors)
    if not vectors:
        return columns
    names = vectors[0].names
    for vector in vectors:
        if vector.names != names:
            raise ValueError(
                f"results: hold vectors of {vectors[0].feature_set} and {vector.feature_set}, "
                "needed those of one feature set"
            )
    if both := sorted(columns.keys() & set(names)):
        raise ValueError(f"results: have features named {', '.join(both)}, as other columns are")
    features = zip(*(vector.values for vector in vectors), strict=True)
    return columns | {
        name: Column(Kind.NUMBER, values) for name, values in zip(names, features, strict=True)
    }


def _matrix(matrix: PredictionMatrix) -> Table:
    rows = len(matrix.predicted_returns)
    return {
        name: Column(Kind.NUMBER, values or [None] * rows)
        for name, values in {
            "predicted_return": matrix.predicted_returns,
            "return_lower": matrix.lower_returns,
            "return_upper": matrix.upper_returns,
            "direction_probability": matrix.direction_probabilities,
        }.items()
    }


def _of_interval(interval: str, end: str) -> _Getter:
    def get(prediction: Prediction) -> float | None:
        found: Interval | None = getattr(prediction, interval)
        return None if found is None else getattr(found, end)

    return get


def _provenance(path: str) -> dict[str, tuple[Kind, _Getter]]:
    return {
        "feature_source": (Kind.TEXT, attrgetter(f"{path}.source.value")),
        "feature_age": (Kind.SPAN, attrgetter(f"{path}.age")),
        "feature_stale": (Kind.FLAG, attrgetter(f"{path}.stale")),
        "feature_outdated": (Kind.FLAG, attrgetter(f"{path}.outdated")),
        "bars_used": (Kind.COUNT, attrgetter(f"{path}.bars_used")),
    }


def _named(kind: Kind, *names: str) -> dict[str, tuple[Kind, _Getter]]:
    return {name: (kind, attrgetter(name)) for name in names}


_BAR = {
    **_named(Kind.TEXT, "symbol", "timeframe"),
    **_named(Kind.TIME, "open_time", "close_time"),
    **_named(Kind.NUMBER, "open", "high", "low", "close", "volume"),
}

_PREDICTION = {
    **_named(Kind.TEXT, "symbol", "timeframe"),
    **_named(Kind.TIME, "as_of_time", "target_time"),
    **_named(Kind.COUNT, "horizon_bars"),
    **_named(Kind.NUMBER, "last_close", "predicted_return", "predicted_price"),
    "return_lower": (Kind.NUMBER, _of_interval("return_interval", "lower")),
    "return_upper": (Kind.NUMBER, _of_interval("return_interval", "upper")),
    "price_lower": (Kind.NUMBER, _of_interval("price_interval", "lower")),
    "price_upper": (Kind.NUMBER, _of_interval("price_interval", "upper")),
    "interval_coverage": (Kind.NUMBER, _of_interval("return_interval", "coverage")),
    **_named(Kind.NUMBER, "direction_probability"),
    **_named(Kind.TEXT, "model_version", "feature_set"),
    **_provenance("feature_provenance"),
}

_ERROR: Mapping[str, tuple[Kind, _Getter]] = {
    "error_reason": (Kind.TEXT, attrgetter("reason")),
    "error": (Kind.TEXT, str),
}

_VECTOR = {
    **_named(Kind.TEXT, "symbol", "timeframe", "feature_set"),
    **_named(Kind.TIME, "as_of_time"),
    **_named(Kind.NUMBER, "last_close"),
    **_provenance("provenance"),
}

_SERIES = {
    "symbol": (Kind.TEXT, attrgetter("position.symbol")),
    "timeframe": (Kind.TEXT, attrgetter("position.timeframe")),
}

_POSITION = {
    "epoch": (Kind.TEXT, attrgetter("position.epoch")),
    "sequence": (Kind.COUNT, attrgetter("position.sequence")),
}

_WITHOUT_ROWS = (StreamStarted, Gap, Heartbeat)

_KINDS = (
    _Rows((Prediction, TickcastError), _predictions),
    _Rows((PredictionEvent, Refusal), _prediction_events, _WITHOUT_ROWS),
    _Rows((Bar,), _bars),
    _Rows((BarEvent,), _bar_events, _WITHOUT_ROWS),
    _Rows((FeatureVector,), _vectors),
)
