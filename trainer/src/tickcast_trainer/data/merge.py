"""One series out of several sources': each bar from the source believed first that has it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tickcast_trainer.data.findings import Finding, Kind
from tickcast_trainer.data.source_series import SourceSeries

TOLERANCE = 0.005
"""Log difference of two closes that two honest sources may have."""

_CLOSE = 3
_NEIGHBOURS = 11


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MergedBars:
    """Bars of one symbol, ascending, on the price scale of the source believed first."""

    open_time: NDArray[np.int64]
    close_time: NDArray[np.int64]
    ohlcv: NDArray[np.float64]
    traded_close: NDArray[np.float64]
    """Close as the bar's source told it, shape (n,)."""

    source: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.open_time)


def merge(series: Sequence[SourceSeries]) -> tuple[MergedBars, list[Finding]]:
    """Merge series, the one believed first first; at least one.

    A source that fills bars is put on the scale of those before it, by the nearest bar that both
    have, where the two differ by more than TOLERANCE: one may undo dividends and the other not.
    """
    merged = _bars_of(series[0])
    findings: list[Finding] = []
    for one in series[1:]:
        _, ours, theirs = np.intersect1d(
            merged.open_time, one.open_time, assume_unique=True, return_indices=True
        )
        ratio = np.log(merged.ohlcv[ours, _CLOSE] / one.ohlcv[theirs, _CLOSE])
        findings += _conflicts(merged, one, ours, theirs, ratio)
        fills = ~np.isin(one.open_time, merged.open_time)
        if fills.any() and not len(ours):
            findings.append(_unlinked(one, fills))
        merged = _fill(merged, one, fills, one.open_time[theirs], ratio)
    return merged, findings


def _bars_of(one: SourceSeries) -> MergedBars:
    return MergedBars(
        open_time=one.open_time,
        close_time=one.close_time,
        ohlcv=one.ohlcv,
        traded_close=one.traded_close,
        source=np.full(len(one), one.source, dtype=object),
    )


def _conflicts(
    merged: MergedBars,
    one: SourceSeries,
    ours: NDArray[np.intp],
    theirs: NDArray[np.intp],
    ratio: NDArray[np.float64],
) -> Iterator[Finding]:
    # Beside the ratio of the bars around: a lasting one is a matter of scale, such as dividends.
    around = pd.Series(ratio).rolling(_NEIGHBOURS, center=True, min_periods=1).median().to_numpy()
    if len(ratio) < _NEIGHBOURS:
        around = np.zeros(len(ratio))
    for row in np.flatnonzero(np.abs(ratio - around) > TOLERANCE).tolist():
        time = int(one.open_time[theirs[row]])
        yield Finding(
            kind=Kind.CONFLICT,
            source=one.source,
            start=time,
            end=time,
            bars=1,
            detail=f"close {one.traded_close[theirs[row]]:g}, but "
            f"{merged.traded_close[ours[row]]:g} of {merged.source[ours[row]]}",
        )


def _unlinked(one: SourceSeries, fills: NDArray[np.bool_]) -> Finding:
    times = one.open_time[fills]
    return Finding(
        kind=Kind.UNLINKED,
        source=one.source,
        start=int(times[0]),
        end=int(times[-1]),
        bars=len(times),
        detail="fills bars and shares none with the other sources, so that scales may differ",
    )


def _fill(
    merged: MergedBars,
    one: SourceSeries,
    fills: NDArray[np.bool_],
    shared: NDArray[np.int64],
    ratio: NDArray[np.float64],
) -> MergedBars:
    scale = np.ones(int(fills.sum()))
    times = one.open_time[fills]
    if len(shared):
        scale = np.exp(ratio[_nearest(shared, times)])
        scale[np.abs(np.log(scale)) <= TOLERANCE] = 1.0
    ohlcv = one.ohlcv[fills]
    ohlcv = np.column_stack([ohlcv[:, :4] * scale[:, np.newaxis], ohlcv[:, 4] / scale])
    open_time = np.concatenate([merged.open_time, times])
    order = np.argsort(open_time)
    source = np.full(len(times), one.source, dtype=object)
    return MergedBars(
        open_time=open_time[order],
        close_time=np.concatenate([merged.close_time, one.close_time[fills]])[order],
        ohlcv=np.concatenate([merged.ohlcv, ohlcv])[order],
        traded_close=np.concatenate([merged.traded_close, one.traded_close[fills]])[order],
        source=np.concatenate([merged.source, source])[order],
    )


def _nearest(sorted_times: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.intp]:
    right = np.clip(np.searchsorted(sorted_times, times), 1, max(len(sorted_times) - 1, 1))
    right = np.minimum(right, len(sorted_times) - 1)
    left = np.maximum(right - 1, 0)
    nearer = times - sorted_times[left] <= sorted_times[right] - times
    return np.where(nearer, left, right)
