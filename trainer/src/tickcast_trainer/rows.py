"""Which bars of which series become rows, and the features of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import FeatureSet, sliding_windows

from tickcast_trainer.baselines import ROLLING_MEAN_BARS
from tickcast_trainer.cross_section import complete_rows, rank_rows
from tickcast_trainer.engine import Engine
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.progress import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one series gives."""

    series: BarSeries

    bars: NDArray[np.int64]
    """Those that become rows, in order; none of a series that others alone are ranked among."""


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """What a worker needs to compute the own features of one series."""

    series: BarSeries
    feature_set: FeatureSet


def choose_rows(
    series: Sequence[BarSeries],
    members: Sequence[BarSeries],
    *,
    feature_set: FeatureSet,
    horizon: int,
) -> tuple[list[Part], int]:
    """Return the parts, and how many rows are left out as too few members had one at their time.

    ``members`` are those of ``series`` that are ranked; without ranks they do not matter. A row has
    as many bars before it as feature set and baselines need, and ``horizon`` after it. Raises
    NotEnoughHistory when there is none.
    """
    first = max(feature_set.minimum_bars - 1, ROLLING_MEAN_BARS, horizon)
    if feature_set.ranks:
        parts, unranked = _ranked_parts(members, feature_set, first, horizon)
    else:
        parts, unranked = _parts(series, first, horizon), 0
    if any(len(part.bars) for part in parts):
        return parts, unranked
    if unranked:
        raise NotEnoughHistory(
            f"symbols: were never enough at one time to be ranked, needed "
            f"{feature_set.minimum_share:.0%} of the {len(feature_set.universe)} of the universe "
            f"of {feature_set.name}, less those that are too young then"
        )
    longest = max((len(one) for one in (members if feature_set.ranks else series)), default=0)
    raise NotEnoughHistory(
        f"bars: were {longest} of the longest symbol, needed {first + 1 + horizon} for the feature "
        f"set {feature_set.name} and a horizon of {horizon}"
    )


def compute_features(
    parts: Sequence[Part],
    places: Sequence[NDArray[np.int64]],
    *,
    feature_set: FeatureSet,
    progress: Progress,
    engine: Engine,
) -> NDArray[np.float32]:
    """Return the features (n, F) of all rows, those of each part at its places.

    Own features are computed on ``engine``, series by series. Beside the result, memory holds a few
    series under way, and of a set that ranks the ranked features of every bar.
    """
    begin, own = feature_set.minimum_bars - 1, len(feature_set.features)
    result = np.empty((sum(map(len, places)), len(feature_set.names)), dtype=np.float32)
    requests = (_Request(series=part.series, feature_set=feature_set.own) for part in parts)
    ranked = []
    with progress.step("features", sum(len(part.series) - begin for part in parts)) as advance:
        for part, place, found in zip(parts, places, engine.map(_compute, requests), strict=True):
            result[place, :own] = found[part.bars - begin]
            ranked.append(found[:, feature_set.ranked])
            advance(len(found))
    if feature_set.ranks:
        ranks = rank_rows(feature_set, [part.series for part in parts], ranked)
        for part, place, found in zip(parts, places, ranks, strict=True):
            result[place, own:] = found[part.bars - begin]
    return result


def _parts(series: Sequence[BarSeries], first: int, horizon: int) -> list[Part]:
    return [
        Part(one, np.arange(first, len(one) - horizon))
        for one in series
        if len(one) > first + horizon
    ]


def _ranked_parts(
    members: Sequence[BarSeries], feature_set: FeatureSet, first: int, horizon: int
) -> tuple[list[Part], int]:
    parts, left_out, begin = [], 0, feature_set.minimum_bars - 1
    for one, complete in zip(members, complete_rows(feature_set, members), strict=True):
        if len(complete):
            bars = np.arange(first, len(one) - horizon)
            chosen = bars[complete[bars - begin]]
            left_out += len(bars) - len(chosen)
            parts.append(Part(one, chosen))
    return parts, left_out


def _compute(request: _Request) -> NDArray[np.float32]:
    chunks = sliding_windows(request.feature_set, request.series)
    return np.concatenate([request.feature_set.compute(windows) for _, windows in chunks])
