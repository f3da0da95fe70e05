"""Feature rows out of stored bars, through the one definition that the trainer uses as well."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from tickcast_modelkit.features import FeatureSet, Windows, last_window

from tickcast_server.store.store import BarBlock, FeatureRow

# Rows whose windows fit the processor's caches.
_PART = 128

# Computing more rows than this at once would be felt by the requests that wait on the event loop.
_INLINE_ROWS = 16


def compute_row(feature_set: FeatureSet, block: BarBlock) -> FeatureRow:
    """Features at the last bar of `block`.

    Raises `tickcast_modelkit.errors.TooFewBars`.
    """
    (row,) = compute_rows(feature_set, [block])
    return row


def compute_rows(feature_set: FeatureSet, blocks: Sequence[BarBlock]) -> list[FeatureRow]:
    """Features at the last bar of each block, in one call.

    Raises `tickcast_modelkit.errors.TooFewBars` when any block is too short.
    """
    recent = [block.tail(feature_set.window) for block in blocks]
    windows = [last_window(feature_set, block.open_time, block.ohlcv) for block in recent]
    values = feature_set.compute(_stacked(windows))
    return [
        FeatureRow(
            sequence=block.last_sequence,
            as_of_time=int(block.close_time[-1]),
            last_close=float(block.ohlcv[-1, 3]),
            bars_used=len(block),
            values=row,
        )
        for block, row in zip(recent, values, strict=True)
    ]


async def compute_many(feature_set: FeatureSet, blocks: Sequence[BarBlock]) -> list[FeatureRow]:
    """The same as `compute_rows`, beside the event loop where it takes a while."""
    if len(blocks) > _INLINE_ROWS:
        return await asyncio.to_thread(_compute_parts, feature_set, blocks)
    return compute_rows(feature_set, blocks) if blocks else []


def _compute_parts(feature_set: FeatureSet, blocks: Sequence[BarBlock]) -> list[FeatureRow]:
    return [
        row
        for start in range(0, len(blocks), _PART)
        for row in compute_rows(feature_set, blocks[start : start + _PART])
    ]


def _stacked(windows: Sequence[Windows]) -> Windows:
    if len(windows) == 1:
        return windows[0]
    return Windows(
        ohlcv=np.concatenate([window.ohlcv for window in windows]),
        open_time=np.concatenate([window.open_time for window in windows]),
    )
