"""Gold: rows to learn from, exactly those that training makes of the same bars.

Each partition is made from the bars that its rows look at and no others: the window before its
first row and the horizon after its last. New bars leave older partitions as they are.
"""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE, FeatureSet

from tickcast_trainer.baselines import ROLLING_MEAN_BARS
from tickcast_trainer.data.derived import DerivedFiles
from tickcast_trainer.data.instants import to_column
from tickcast_trainer.data.layout import GOLD, SeriesKey
from tickcast_trainer.data.periods import periods_of
from tickcast_trainer.data.silent import Silent
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.errors import NotEnoughHistory


def gold_layer(root: Path, *, horizon: int, feature_set: FeatureSet = CORE) -> Path:
    """The folder of all rows of a feature set and horizon."""
    return root / GOLD / f"features={feature_set.id}" / f"horizon={horizon}"


def build_gold(root: Path, series: BarSeries, *, horizon: int) -> bool:
    """Make the partitions that are missing or no longer current; whether any was written.

    A damaged one that seems current is found by ``check``, not here.
    """
    key = SeriesKey(str(series.timeframe), series.symbol)
    files = DerivedFiles(key.below(gold_layer(root, horizon=horizon)))
    periods = periods_of(series.open_time, series.timeframe)
    names, written = [], False
    for period in np.unique(periods).tolist():
        first, last = _ends(periods == period)
        begin = max(0, first - max(CORE.window - 1, ROLLING_MEAN_BARS, horizon))
        bars = series.slice(begin, min(last + 1 + horizon, len(series)))
        name, inputs = f"period={period}/rows.parquet", _digest(bars, first - begin)
        if not files.is_current(name, inputs):
            rows = _rows(bars, first - begin, last - begin, horizon)
            if rows is None:
                continue
            written |= files.write(name, rows, inputs)
        names.append(name)
    files.keep_only(names)
    return written


def _rows(bars: BarSeries, first: int, last: int, horizon: int) -> pa.Table | None:
    try:
        dataset = build_dataset([bars], feature_set=CORE, horizon=horizon, progress=Silent())
    except NotEnoughHistory:
        # A young symbol, or one that never moved: training leaves such bars out as well.
        return None
    chosen = (dataset.bar >= first) & (dataset.bar <= last)
    return _table(dataset, chosen) if chosen.any() else None


def _table(dataset: Dataset, chosen: NDArray[np.bool_]) -> pa.Table:
    features = dataset.features[chosen]
    return pa.table(
        {
            "as_of_time": to_column(dataset.as_of_time[chosen]),
            "target_time": to_column(dataset.target_time[chosen]),
            **{name: features[:, index] for index, name in enumerate(dataset.feature_set.names)},
            "target": dataset.target[chosen],
        }
    )


def _ends(is_inside: NDArray[np.bool_]) -> tuple[int, int]:
    rows = np.flatnonzero(is_inside)
    return int(rows[0]), int(rows[-1])


def _digest(bars: BarSeries, first: int) -> str:
    digest = hashlib.sha256(f"{bars.symbol} {bars.timeframe} {first}".encode())
    for values in (bars.open_time, bars.close_time, bars.ohlcv):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
