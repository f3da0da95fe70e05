"""The bars behind the rows, and what is missing among them."""

import numpy as np

from tickcast_trainer.data.gaps import find_gaps
from tickcast_trainer.evaluation import Evaluator
from tickcast_trainer.reporting.document import Data, SymbolBars


def measure_data(evaluator: Evaluator) -> Data:
    """Count bars, rows and gaps."""
    dataset = evaluator.dataset
    gaps = find_gaps({one.symbol: one.open_time for one in dataset.series}, dataset.timeframe)
    rows = np.bincount(dataset.series_index, minlength=len(dataset.series))
    symbols = []
    for series, count in zip(dataset.series, rows.tolist(), strict=True):
        found, expected = gaps[series.symbol]
        symbols.append(
            SymbolBars(
                symbol=series.symbol,
                start=int(series.close_time[0]),
                end=int(series.close_time[-1]),
                bars=len(series),
                rows=count,
                gaps=len(found),
                missing_bars=sum(gap.bars for gap in found),
                expected_bars=expected,
            )
        )
    return Data(
        symbols=tuple(symbols),
        left_out=dataset.left_out,
        start=int(dataset.as_of_time[0]),
        end=int(dataset.target_time.max()),
        rows=len(dataset),
        features=len(dataset.feature_set.names),
        tested_rows=len(evaluator.rows),
        tested_times=len(np.unique(dataset.as_of_time[evaluator.rows])),
    )
