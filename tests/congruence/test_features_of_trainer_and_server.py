"""Random bars through the trainer's path and the server's: the same features, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.store.feature_rows import compute_rows
from tickcast_server.store.packing import pack_bar, pack_features, unpack_bar, unpack_features
from tickcast_server.store.series import Series
from tickcast_server.store.store import BarRow, FeatureRow, SeriesKey, block_of
from tickcast_trainer.dataset import build_dataset
from tickcast_trainer.progress import ProgressLines

series_of_any_age = st.builds(
    random_walk_bars,
    st.integers(CORE.minimum_bars + 2, CORE.window + 60),
    seed=st.integers(0, 10_000),
    price=st.sampled_from([1e-6, 0.5, 100.0, 1e6]),
    volatility=st.sampled_from([1e-4, 0.02, 0.3]),
    timeframe=st.sampled_from(["1d", "5m", "1w"]),
)


def arriving(series: BarSeries, chunk: int) -> list[FeatureRow]:
    """The server's path: bars packed for the store, held in memory, computed as they arrive."""
    held = Series(SeriesKey(series.symbol, str(series.timeframe)))
    found = []
    for start in range(0, len(series), chunk):
        part = range(start, min(start + chunk, len(series)))
        bars = [unpack_bar(pack_bar(row(series, index))) for index in part]
        held.extend(block_of(start + 1, bars), CORE.window + 16)
        if held.bars is not None and held.last_sequence >= CORE.minimum_bars:
            (computed,) = compute_rows(CORE, [held.bars])
            found.append(unpack_features(b"key", pack_features(b"key", computed)))
    return found


def row(series: BarSeries, index: int) -> BarRow:
    return BarRow(
        int(series.open_time[index]), int(series.close_time[index]), *series.ohlcv[index].tolist()
    )


@settings(max_examples=25, deadline=None)
@given(series_of_any_age, st.integers(1, 9))
def test_features_are_bit_identical(series: BarSeries, chunk: int) -> None:
    quiet = ProgressLines(Console(quiet=True))
    trained = build_dataset([series], feature_set=CORE, horizon=1, progress=quiet)
    by_bar = {int(bar): trained.features[index] for index, bar in enumerate(trained.bar)}
    compared = 0
    for served in arriving(series, chunk):
        expected = by_bar.get(served.sequence - 1)
        if expected is not None:
            assert served.values.tobytes() == expected.tobytes()
            compared += 1
    # All but the last bar, which has no target yet.
    assert compared >= (len(series) - CORE.minimum_bars) // chunk - 1
    assert np.isfinite(trained.features).all()
