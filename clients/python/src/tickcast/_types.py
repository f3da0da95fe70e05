"""Bars, features and predictions, as plain values.

Instants are `datetime` in UTC, spans `timedelta`, prices and returns `float`, arrays tuples. Where
a value may be absent, the field is `None` and says when. A naive `datetime` is refused with
`ValueError` when it is sent: no server could know which zone was meant.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeAlias


class Vector(Protocol):
    """A row of numbers that need not be a Sequence, such as an array of numpy."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


Matrix: TypeAlias = Sequence[Sequence[float]] | Sequence[Vector] | Vector
"""Rows of numbers, such as a two-dimensional array of numpy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One closed price bar of one symbol. Its key is symbol, timeframe and open_time."""

    symbol: str
    """Market symbol as the venue writes it, for example "AAPL" or "BTC/USDT"."""

    timeframe: str
    """Length of the bar's slot: a count and one of s, m, h, d, w, for example "5m"."""

    open_time: datetime
    """Start of the slot, inclusive, on the timeframe's grid. Whole seconds."""

    close_time: datetime | None = None
    """When the bar was known, at the latest the end of the slot. `None` on input means the end of
    the slot; a bar from a server always has it."""

    open: float
    """First traded price, in the currency of the symbol."""

    high: float
    """Highest traded price, in the currency of the symbol."""

    low: float
    """Lowest traded price, in the currency of the symbol."""

    close: float
    """Last traded price, in the currency of the symbol."""

    volume: float = 0.0
    """Traded volume, in units of the symbol. Zero means that nothing was reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A range that holds the outcome with a stated frequency."""

    lower: float
    """Lower end, inclusive. Same unit as the value that the interval belongs to."""

    upper: float
    """Upper end, inclusive. Same unit as the value that the interval belongs to."""

    coverage: float
    """Share of outcomes that the interval is built to hold, between 0 and 1, for example 0.9."""


class FeatureSource(StrEnum):
    """How a feature vector was obtained."""

    CACHE = "cache"
    """Computed when the bar closed and held since."""

    RECOMPUTED = "recomputed"
    """Computed from stored bars while answering."""

    REQUEST_FEATURES = "request_features"
    """The request carried the vector."""

    REQUEST_BARS = "request_bars"
    """Computed from bars that the request carried."""

    UNKNOWN = "unknown"
    """A way that this client does not know yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureProvenance:
    """Where a feature vector came from."""

    source: FeatureSource
    """How the vector was obtained."""

    age: timedelta
    """Time between the as-of time and the moment of answering, by the server's clock. Large while
    history is replayed."""

    stale: bool
    """True when the store could not be reached, so that newer bars may have been acknowledged by
    another process than the one that answered."""

    bars_used: int
    """Closed bars that the vector was computed from; zero when the request carried the vector."""

    outdated: bool
    """True when the age is above the server's limit for the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model expects of one symbol, with what a reader needs to know before acting on it."""

    symbol: str
    """Symbol that the prediction is for."""

    timeframe: str
    """Timeframe of the bars that it was made from."""

    as_of_time: datetime
    """Close of the last bar used. Nothing later than this was known to the model."""

    target_time: datetime
    """Earliest instant at which the target bar can close. Where the market is shut in between, the
    target is the close of the horizon_bars-th bar that follows, which then comes later."""

    horizon_bars: int
    """How many bars ahead the target is. 1 or more."""

    last_close: float | None
    """Close of the last bar used, in the currency of the symbol. `None` when the request carried
    features without it."""

    predicted_return: float
    """Expected natural log return from last_close to the target's close. 0.01 is about 1%."""

    predicted_price: float | None
    """last_close grown by predicted_return, in the currency of the symbol. `None` without a
    last_close, or when the return is too large for a price."""

    return_interval: Interval | None
    """Interval of predicted_return. `None` when the model carries none."""

    price_interval: Interval | None
    """The same interval in prices. `None` when the model carries none or last_close is `None`."""

    direction_probability: float | None
    """Probability, 0 to 1, that the return is above zero, calibrated as the intervals are. `None`
    when the model does not estimate one."""

    model_version: str
    """Resource name of the version that answered: models/{model}/versions/{number}."""

    feature_set: str
    """Resource name of the feature set: featureSets/{id}."""

    feature_provenance: FeatureProvenance
    """Where the features came from, and how old they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A feature vector to predict from."""

    values: Sequence[float] | Vector
    """The features in the order of the model's feature set, dimensionless, finite.

    A row of float32 with the buffer protocol, such as an array of numpy, is sent as it is, which is
    cheaper on both sides.
    """

    as_of_time: datetime
    """Close of the last bar that the features were computed from."""

    last_close: float | None = None
    """Close of the last bar, in the currency of the symbol. Without it the prediction has a return
    but no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionMatrix:
    """The predictions of many rows of features, in their order: a number for each row.

    The columns are arrays of doubles; `numpy.asarray` takes them over without a copy.
    """

    model_version: str
    """Version that answered: models/{model}/versions/{number}."""

    feature_set: str
    """Resource name of the feature set: featureSets/{id}."""

    timeframe: str
    """Timeframe of the model."""

    as_of_time: datetime
    """Close of the last bar that the features were computed from."""

    target_time: datetime
    """End of the horizon on the timeframe's grid."""

    horizon_bars: int
    """How many bars ahead the target is."""

    interval_coverage: float
    """Share of outcomes that the intervals are built to hold."""

    predicted_returns: array[float]
    """Expected natural log returns."""

    lower_returns: array[float]
    """Lower ends of the intervals."""

    upper_returns: array[float]
    """Upper ends of the intervals."""

    direction_probabilities: array[float] | None
    """Probabilities that the returns are above zero; `None` when the model estimates none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One item of a batch.

    Predicts from the bars that the server holds, unless features or bars are given.
    """

    symbol: str
    """Symbol to predict."""

    model: str | None = None
    """Resource name of the model; `None` for the model of the batch."""

    timeframe: str | None = None
    """Timeframe that the caller expects, which must be the model's; `None` for the model's."""

    features: Features | None = None
    """Features that the caller computed. Not together with bars."""

    bars: Sequence[Bar] | None = None
    """Closed bars of the symbol, oldest first, up to and including the as-of bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureVector:
    """The features of one symbol at one as-of time."""

    symbol: str
    """Symbol that the vector describes."""

    timeframe: str
    """Timeframe of the bars."""

    feature_set: str
    """Resource name of the feature set: featureSets/{id}."""

    as_of_time: datetime
    """Close of the last bar used."""

    names: tuple[str, ...]
    """Names of the features, in the order of values."""

    values: tuple[float, ...]
    """The features, dimensionless, as the model receives them (float32)."""

    last_close: float
    """Close of the last bar used, in the currency of the symbol."""

    provenance: FeatureProvenance
    """Where the vector came from, and how old it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One element of a feature vector."""

    name: str
    """Name, unique in the set, for example "return_5"."""

    function: str
    """The window function that computes it, for example "log_return"."""

    parameters: Mapping[str, float]
    """Parameters of the function, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSet:
    """A named, versioned list of features: a pure function of the last bars of one symbol.

    A set that ranks takes those of the others in its universe that closed at the same time as well.
    """

    name: str
    """Resource name: featureSets/{id}. Two sets with one id compute the same numbers."""

    window_bars: int
    """Bars that the set looks back on."""

    minimum_bars: int
    """Fewest bars that it can be computed from."""

    features: tuple[Feature, ...]
    """The features, in the order of the vector."""

    universe: tuple[str, ...]
    """Symbols that are ranked among each other; empty for a set that does not rank."""

    minimum_share: float
    """Share of the universe that must have a row at a time; zero for a set that does not rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPosition:
    """A place in the sequence of closed bars of one symbol and timeframe."""

    symbol: str
    """Symbol."""

    timeframe: str
    """Timeframe."""

    epoch: str
    """Identity of the store that numbers the bars. Sequences of two epochs do not compare."""

    sequence: int
    """Number of the bar: the first is 1, each next one is 1 more. Zero: before the first bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSummary:
    """What is held of one symbol in one timeframe."""

    symbol: str
    """Symbol."""

    timeframe: str
    """Timeframe."""

    bars: int
    """Bars held now."""

    first_open_time: datetime
    """open_time of the oldest bar held."""

    last_close_time: datetime
    """close_time of the last bar."""

    position: StreamPosition
    """Position of the last bar."""
