"""Cross-sections of past bars: who is ranked at each as-of time, and where.

What is done here for all times at once, a server does for one: see
``tickcast_modelkit.features.cross_section`` for the rule that both keep to.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import FeatureSet, Windows, last_window, sliding_windows
from tickcast_modelkit.features.cross_section import needed_symbols, rank_each
from tickcast_modelkit.features.windows import CHUNK_ROWS

from tickcast_trainer.progress import Advance


def members_of(feature_set: FeatureSet, series: Sequence[BarSeries]) -> list[BarSeries]:
    """Return the series of the universe, in the order given; none without ranks."""
    return [one for one in series if one.symbol in feature_set.members]


def complete_rows(feature_set: FeatureSet, members: Sequence[BarSeries]) -> list[NDArray[np.bool_]]:
    """Say for the bars of each member from ``minimum_bars - 1`` on (k,) whether they can be ranked.

    They can where enough symbols of the universe have a row as of the same time.
    """
    closes = _row_times(feature_set, members)
    times, present = np.unique(np.concatenate([*closes, _NO_TIMES]), return_counts=True)
    known = np.sort([_grown_up(feature_set, one) for one in members if len(one)])
    too_young = len(known) - np.searchsorted(known, times, side="right")
    expected = (len(feature_set.universe) - too_young).astype(np.int64)
    enough = present >= needed_symbols(feature_set.minimum_share, expected)
    return [enough[np.searchsorted(times, one)] for one in closes]


def rank_rows(
    feature_set: FeatureSet,
    members: Sequence[BarSeries],
    ranked: Sequence[NDArray[np.float32]],
) -> list[NDArray[np.float32]]:
    """Return the ranks (k, R) of each member's bars from ``minimum_bars - 1`` on.

    ``ranked`` has for each member those of its own features that are ranked (k, R). Rows are sorted
    once for each rank, all times together; memory is a few times that of one column.
    """
    closes = _row_times(feature_set, members)
    times = np.unique(np.concatenate([*closes, _NO_TIMES]))
    section = np.concatenate([np.searchsorted(times, one) for one in closes])
    ranks = [np.empty((len(one), len(feature_set.ranks)), dtype=np.float32) for one in closes]
    ends = np.cumsum([len(one) for one in closes])[:-1]
    for column in range(len(feature_set.ranks)):
        found = rank_each(section, np.concatenate([one[:, column] for one in ranked]))
        for part, values in zip(ranks, np.split(found, ends), strict=True):
            part[:, column] = values
    return ranks


def rankable_features(
    feature_set: FeatureSet, members: Sequence[BarSeries], advance: Advance
) -> Iterator[tuple[BarSeries, NDArray[np.int64], NDArray[np.float32]]]:
    """Yield each member with those of its bars that can be ranked (k,), and their features (k, F).

    Memory is that of the own features of all bars.
    """
    own = []
    for one in members:
        chunks = [feature_set.compute(each) for _, each in sliding_windows(feature_set, one)]
        none = np.empty((0, len(feature_set.features)), dtype=np.float32)
        own.append(np.concatenate([none, *chunks]))
        advance(len(one))
    ranks = rank_rows(feature_set, members, [rows[:, feature_set.ranked] for rows in own])
    complete = complete_rows(feature_set, members)
    for one, rows, found, chosen in zip(members, own, ranks, complete, strict=True):
        kept = np.flatnonzero(chosen)
        if len(kept):
            features = np.column_stack([rows[kept], found[kept]])
            yield one, kept + feature_set.minimum_bars - 1, features


def section_at(
    feature_set: FeatureSet, members: Sequence[BarSeries], as_of_time: int
) -> tuple[list[str], NDArray[np.float32]]:
    """Return symbols and features (n, F) as of one time, from bars closed by then and no others.

    Windows are cut out one by one, as a server does it.
    """
    symbols, windows = [], []
    for one in members:
        past = one.closed_by(as_of_time)
        if len(past) >= feature_set.minimum_bars and past.close_time[-1] == as_of_time:
            symbols.append(one.symbol)
            windows.append(last_window(feature_set, past.open_time, past.ohlcv))
    own = [
        feature_set.compute(_together(windows[start : start + CHUNK_ROWS]))
        for start in range(0, len(windows), CHUNK_ROWS)
    ]
    return symbols, feature_set.complete(np.concatenate(own))


_NO_TIMES = np.empty(0, dtype=np.int64)


def _row_times(feature_set: FeatureSet, members: Sequence[BarSeries]) -> list[NDArray[np.int64]]:
    return [one.close_time[feature_set.minimum_bars - 1 :] for one in members]


def _grown_up(feature_set: FeatureSet, series: BarSeries) -> int:
    """From when on a symbol is expected: its first row, or the end of bars that gave none."""
    first = feature_set.minimum_bars - 1
    return int(series.close_time[first] if len(series) > first else series.close_time[-1] + 1)


def _together(windows: Sequence[Windows]) -> Windows:
    return Windows(
        ohlcv=np.concatenate([window.ohlcv for window in windows]),
        open_time=np.concatenate([window.open_time for window in windows]),
    )
