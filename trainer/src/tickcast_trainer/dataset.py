"""Rows to learn from: features of a window, and the return that came after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import FeatureSet, Windows, last_window, sliding_windows
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.baselines import BASELINES, ROLLING_MEAN_BARS
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.progress import Advance, Progress

_CLOSE = 3


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
    """(n,): log return from the row's close to the close ``horizon`` bars later."""

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
class _Rows:
    bar: NDArray[np.int64]
    features: NDArray[np.float32]
    target: NDArray[np.float64]
    as_of_time: NDArray[np.int64]
    target_time: NDArray[np.int64]
    baselines: dict[str, NDArray[np.float64]]


def build_dataset(
    series: Sequence[BarSeries], *, feature_set: FeatureSet, horizon: int, progress: Progress
) -> Dataset:
    """Make a row of every bar with enough bars before it and ``horizon`` bars after it.

    Enough are as many as the feature set and every baseline need. Raises NotEnoughHistory when no
    symbol has such a bar, or when no close ever moved.
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
    windows = sum(len(one) - feature_set.minimum_bars + 1 for one in used)
    with progress.step("features", windows) as advance:
        parts = [_rows(one, feature_set, first, horizon, advance) for one in used]
    series_index = np.repeat(np.arange(len(parts)), [len(part.bar) for part in parts])
    as_of_time = np.concatenate([part.as_of_time for part in parts])
    order = np.lexsort((series_index, as_of_time))
    target = np.concatenate([part.target for part in parts])[order]
    if not target.any():
        raise NotEnoughHistory("bars: were without any movement of the close, needed some")
    return Dataset(
        feature_set=feature_set,
        timeframe=used[0].timeframe,
        horizon=horizon,
        series=used,
        features=np.concatenate([part.features for part in parts])[order],
        target=target,
        as_of_time=as_of_time[order],
        target_time=np.concatenate([part.target_time for part in parts])[order],
        series_index=series_index[order],
        bar=np.concatenate([part.bar for part in parts])[order],
        baselines={
            name: np.concatenate([part.baselines[name] for part in parts])[order]
            for name in BASELINES
        },
        left_out=tuple(one.symbol for one in series if len(one) < needed),
    )


def _rows(
    series: BarSeries, feature_set: FeatureSet, first: int, horizon: int, advance: Advance
) -> _Rows:
    bar = np.arange(first, len(series) - horizon)
    # The last bars have features but no target yet; they are computed and dropped.
    chunks = []
    for bars, windows in sliding_windows(feature_set, series):
        chunks.append(feature_set.compute(windows))
        advance(len(bars))
    features = np.concatenate(chunks)
    close = series.ohlcv[:, _CLOSE]
    return _Rows(
        bar=bar,
        features=features[bar - (feature_set.minimum_bars - 1)],
        target=np.log(close[bar + horizon] / close[bar]),
        as_of_time=series.close_time[bar],
        target_time=series.close_time[bar + horizon],
        baselines={name: baseline(close, horizon)[bar] for name, baseline in BASELINES.items()},
    )
