"""Daily bars of five US stocks, 2000 to 2013, from the bokeh_sampledata distribution."""

import numpy as np
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.errors import BarSourceError
from tickcast_trainer.sources.adjust import adjust_for_splits

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
_TIMEFRAME = "1d"


def open(location: str = "", *, timeframe: str | None = None) -> list[BarSeries]:
    """Return the bundled series, adjusted for splits and dividends.

    A bar opens at 00:00 UTC of its date and closes at the next 00:00 UTC. Raises BarSourceError for
    a location or for a timeframe other than 1d: there is one set, and it is daily.
    """
    if location:
        raise BarSourceError(
            f"path: was {location!r}, needed none, as the bundled bars have no file"
        )
    if timeframe not in (None, _TIMEFRAME):
        raise BarSourceError(
            f"timeframe: was {timeframe!r}, needed 1d, as the bundled bars are daily"
        )
    return [_series(symbol) for symbol in SYMBOLS]


def _series(symbol: str) -> BarSeries:
    # Imported where it is used: it decompresses every stock as soon as it is imported.
    from bokeh_sampledata import stocks

    columns = getattr(stocks, symbol)
    names = ("open", "high", "low", "close", "volume")
    traded = np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in names])
    dates = np.asarray(columns["date"], dtype="datetime64[s]")
    return BarSeries.checked(
        symbol=symbol,
        timeframe=Timeframe.parse(_TIMEFRAME),
        open_time=dates.astype(np.int64),
        ohlcv=adjust_for_splits(traded, np.asarray(columns["adj_close"], dtype=np.float64)),
    )
