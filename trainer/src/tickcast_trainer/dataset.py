"""Rows to learn from: features of a window, and the return that came after it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import FeatureSet, Windows, last_window, sliding_windows
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.baselines import BASELINES, ROLLING_MEAN_BARS, Baseline
from tickcast_trainer.engine import HERE, Engine
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.progress import Advance, Progress
from tickcast_trainer.targets import LOG_RETURN, Target

_CLOSE = 3

Rows: TypeAlias = NDArray[np.int64]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Rows of all symbols, ordered by as-of time and then by symbol."""

    feature_set: FeatureSet
    timeframe: Timeframe
    horizon: int
    """Bars from prediction to target."""

    series: tuple[BarSeries, ...]
    """The series that rows came from, ordered by symbol."""

    features: NDArray[np.float32]
    """(n, F): of the window that ends with the row's bar."""

    target: NDArray[np.float64]
    """(n,): log return from the row's close, as ``labels`` takes it within ``horizon`` bars."""

    as_of_time: NDArray[np.int64]
    """(n,): close of the row's bar; nothing later is in the features."""

    target_time: NDArray[np.int64]
    """(n,): close of the bar that the target comes from."""

    series_index: NDArray[np.intp]
    """(n,): which of ``series`` the row is from."""

    bar: NDArray[np.int64]
    """(n,): position of the row's bar in its series."""

    baselines: Mapping[str, NDArray[np.float64]]
    """Name to what the baseline forecasts (n,)."""

    labels: Target = LOG_RETURN
    """What the targets are."""

    left_out: tuple[str, ...] = ()
    """Symbols with too few bars for a single row."""

    def __len__(self) -> int:
        return len(self.target)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that have rows."""
        return tuple(series.symbol for series in self.series)

    def windows(self, rows: Sequence[int]) -> Windows:
        """Return the windows (k, W) behind some rows, cut out as a server does it."""
        parts = []
        for row in rows:
            series = self.series[self.series_index[row]]
            past = series.slice(0, int(self.bar[row]) + 1)
            parts.append(last_window(self.feature_set, past.open_time, past.ohlcv))
        return Windows(
            ohlcv=np.concatenate([part.ohlcv for part in parts]),
            open_time=np.concatenate([part.open_time for part in parts]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Request:
    """What a worker needs to compute the features of one series."""

    series: BarSeries
    feature_set: FeatureSet

    first: int
    """First bar that gives a row."""


def build_dataset(
    series: Sequence[BarSeries],
    *,
    feature_set: FeatureSet,
    horizon: int,
    progress: Progress,
    engine: Engine = HERE,
    labels: Target = LOG_RETURN,
) -> Dataset:
    """Make a row of every bar with enough bars before it and ``horizon`` bars after it.

    Enough are as many as the feature set and every baseline need. Features, which take the time,
    are computed on ``engine``; memory is that of the result and of a few series under way. Raises
    NotEnoughHistory when no symbol has such a bar, or when no close ever moved.
    """
    first = max(feature_set.minimum_bars - 1, ROLLING_MEAN_BARS, horizon)
    needed = first + 1 + horizon
    used = tuple(one for one in series if len(one) >= needed)
    if not used:
        longest = max((len(one) for one in series), default=0)
        raise NotEnoughHistory(
            f"bars: were {longest} of the longest symbol, needed {needed} for the feature set "
            f"{feature_set.name} and a horizon of {horizon}"
        )
    bars = [np.arange(first, len(one) - horizon) for one in used]
    places = _places(used, bars)

    def scattered(part: Callable[[BarSeries, Rows], NDArray[T]]) -> NDArray[T]:
        return _scattered(places, (part(one, rows) for one, rows in zip(used, bars, strict=True)))

    target = scattered(lambda one, rows: labels.returns(one.ohlcv[:, _CLOSE], rows, horizon))
    if not target.any():
        raise NotEnoughHistory("bars: were without any movement of the close, needed some")

    return Dataset(
        feature_set=feature_set,
        timeframe=used[0].timeframe,
        horizon=horizon,
        series=used,
        features=_features(used, bars, places, feature_set, first, progress, engine),
        target=target,
        as_of_time=scattered(lambda one, rows: one.close_time[rows]),
        target_time=scattered(lambda one, rows: one.close_time[rows + horizon]),
        series_index=_scattered(
            places, (np.full(len(rows), index) for index, rows in enumerate(bars))
        ),
        bar=_scattered(places, bars),
        baselines={
            name: scattered(partial(_baseline, baseline, horizon))
            for name, baseline in BASELINES.items()
        },
        labels=labels,
        left_out=tuple(one.symbol for one in series if len(one) < needed),
    )


def _places(used: Sequence[BarSeries], bars: Sequence[Rows]) -> list[Rows]:
    """Where in the dataset the rows of each series go: by as-of time, then by symbol."""
    as_of_time = np.concatenate(
        [one.close_time[rows] for one, rows in zip(used, bars, strict=True)]
    )
    series_index = np.repeat(np.arange(len(bars)), [len(rows) for rows in bars])
    place = np.empty(len(as_of_time), dtype=np.int64)
    place[np.lexsort((series_index, as_of_time))] = np.arange(len(as_of_time))
    return np.split(place, np.cumsum([len(rows) for rows in bars])[:-1])


def _scattered(places: Sequence[Rows], parts: Iterable[NDArray[T]]) -> NDArray[T]:
    """Put the part of each series at its places; parts are let go one by one."""
    result: NDArray[T] | None = None
    for place, part in zip(places, parts, strict=True):
        if result is None:
            result = np.empty((sum(map(len, places)), *part.shape[1:]), dtype=part.dtype)
        result[place] = part
    if result is None:
        raise ValueError("places: were none, needed one for each series")
    return result


def _features(
    used: Sequence[BarSeries],
    bars: Sequence[Rows],
    places: Sequence[Rows],
    feature_set: FeatureSet,
    first: int,
    progress: Progress,
    engine: Engine,
) -> NDArray[np.float32]:
    requests = (_Request(series=one, feature_set=feature_set, first=first) for one in used)

    def parts(advance: Advance) -> Iterator[NDArray[np.float32]]:
        for rows, computed in zip(bars, engine.map(_compute, requests), strict=True):
            # The last bars have features but no target yet.
            yield computed[: len(rows)]
            advance(len(computed))

    with progress.step("features", sum(len(one) - first for one in used)) as advance:
        return _scattered(places, parts(advance))


def _compute(request: _Request) -> NDArray[np.float32]:
    chunks = [
        request.feature_set.compute(windows)
        for _, windows in sliding_windows(request.feature_set, request.series)
    ]
    return np.concatenate(chunks)[request.first - (request.feature_set.minimum_bars - 1) :]


def _baseline(
    baseline: Baseline, horizon: int, series: BarSeries, rows: Rows
) -> NDArray[np.float64]:
    return baseline(series.ohlcv[:, _CLOSE], horizon)[rows]
