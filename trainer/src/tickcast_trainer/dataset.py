"""Rows to learn from: features of a window, and the return that came after it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import FeatureSet, Windows, last_window
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.baselines import BASELINES, Baseline
from tickcast_trainer.cross_section import members_of, section_at
from tickcast_trainer.engine import HERE, Engine
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.progress import Progress
from tickcast_trainer.rows import Part, choose_rows, compute_features
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
    """(n, F): of the window that ends with the row's bar, ranks among ``members`` behind them."""

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
    """Symbols without a single row: of too few bars, or outside the universe that is ranked."""

    members: tuple[BarSeries, ...] = ()
    """The series that are ranked among each other, with rows or without; none without ranks."""

    unranked: int = 0
    """Rows left out as too few members had one as of the same time."""

    def __len__(self) -> int:
        return len(self.target)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that have rows."""
        return tuple(series.symbol for series in self.series)

    def windows(self, rows: Sequence[int]) -> Windows:
        """Return the windows (k, W) behind some rows, cut out as a server does it.

        Ranks have more behind them: see ``recomputed``.
        """
        parts = []
        for row in rows:
            series = self.series[self.series_index[row]]
            past = series.slice(0, int(self.bar[row]) + 1)
            parts.append(last_window(self.feature_set, past.open_time, past.ohlcv))
        return Windows(
            ohlcv=np.concatenate([part.ohlcv for part in parts]),
            open_time=np.concatenate([part.open_time for part in parts]),
        )

    def ranks(self, rows: Sequence[int]) -> NDArray[np.float32] | None:
        """Return the ranks (k, R) of some rows; None when the feature set has none."""
        feature_set = self.feature_set
        return self.features[rows, len(feature_set.features) :] if feature_set.ranks else None

    def recomputed(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the features (k, F) of some rows anew, as a server does, from bars closed by then.

        Ranks cost the features of all members at each of the times.
        """
        if not self.feature_set.ranks:
            return self.feature_set.compute(self.windows(rows))
        result = np.empty((len(rows), len(self.feature_set.names)), dtype=np.float32)
        times = self.as_of_time[rows]
        for time in np.unique(times).tolist():
            symbols, features = section_at(self.feature_set, self.members, time)
            for place in np.flatnonzero(times == time).tolist():
                symbol = self.series[self.series_index[rows[place]]].symbol
                result[place] = features[symbols.index(symbol)]
        return result


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

    Enough are as many as the feature set and every baseline need. A feature set that ranks, and
    names no universe, is bound to the symbols that can have a row; rows of times at which too few
    of them have one are left out. Features, which take the time, are computed on ``engine``; memory
    is that of the result and of a few series under way. Raises NotEnoughHistory when no symbol has
    such a bar, or when no close ever moved.
    """
    feature_set = feature_set.bound_to(
        one.symbol for one in series if len(one) >= feature_set.minimum_bars
    )
    members = members_of(feature_set, series)
    parts, unranked = choose_rows(series, members, feature_set=feature_set, horizon=horizon)
    places = _places(parts)
    used = [part.series for part in parts if len(part.bars)]
    bars = [part.bars for part in parts if len(part.bars)]
    where = [place for place in places if len(place)]

    def scattered(part: Callable[[BarSeries, Rows], NDArray[T]]) -> NDArray[T]:
        return _scattered(where, (part(one, rows) for one, rows in zip(used, bars, strict=True)))

    target = scattered(lambda one, rows: labels.returns(one.ohlcv[:, _CLOSE], rows, horizon))
    if not target.any():
        raise NotEnoughHistory("bars: were without any movement of the close, needed some")

    return Dataset(
        feature_set=feature_set,
        timeframe=used[0].timeframe,
        horizon=horizon,
        series=tuple(used),
        features=compute_features(
            parts, places, feature_set=feature_set, progress=progress, engine=engine
        ),
        target=target,
        as_of_time=scattered(lambda one, rows: one.close_time[rows]),
        target_time=scattered(lambda one, rows: one.close_time[rows + horizon]),
        series_index=_scattered(
            where, (np.full(len(rows), index) for index, rows in enumerate(bars))
        ),
        bar=_scattered(where, bars),
        baselines={
            name: scattered(partial(_baseline, baseline, horizon))
            for name, baseline in BASELINES.items()
        },
        labels=labels,
        left_out=_left_out(series, used),
        members=tuple(members),
        unranked=unranked,
    )


def _left_out(series: Sequence[BarSeries], used: Sequence[BarSeries]) -> tuple[str, ...]:
    symbols = {one.symbol for one in used}
    return tuple(one.symbol for one in series if one.symbol not in symbols)


def _places(parts: Sequence[Part]) -> list[Rows]:
    """Where in the dataset the rows of each part go: by as-of time, then by symbol."""
    as_of_time = np.concatenate([part.series.close_time[part.bars] for part in parts])
    lengths = [len(part.bars) for part in parts]
    series_index = np.repeat(np.arange(len(parts)), lengths)
    place = np.empty(len(as_of_time), dtype=np.int64)
    place[np.lexsort((series_index, as_of_time))] = np.arange(len(as_of_time))
    return np.split(place, np.cumsum(lengths)[:-1])


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


def _baseline(
    baseline: Baseline, horizon: int, series: BarSeries, rows: Rows
) -> NDArray[np.float64]:
    return baseline(series.ohlcv[:, _CLOSE], horizon)[rows]
