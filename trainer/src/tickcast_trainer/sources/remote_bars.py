"""Remote sources behind the protocol of bar sources, to train on without keeping the bars.

``tickcast train --source remote yfinance:AAPL,MSFT --timeframe 1d`` asks for all that there is.
What is to be used twice is better imported: then it is checked, kept, and the same tomorrow.
"""

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from tickcast_modelkit.bars import BAR_COLUMNS, BarSeries
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.data.layout import CACHE, DEFAULT_ROOT
from tickcast_trainer.errors import BarSourceError
from tickcast_trainer.sources.columns import BarTable
from tickcast_trainer.sources.received import ReceivedBars
from tickcast_trainer.sources.remote import BarRequest, InOrder, RemoteContext, make_remote
from tickcast_trainer.sources.table import read_tables

_EXAMPLE = "such as yfinance:AAPL,MSFT or coinbase,kraken:BTC/USD"
_MAX_AGE_SECONDS = 3600.0
# 2000-01-01: an exchange that is asked for 1970 answers page by page that there is nothing.
_START = 946_684_800


def open(location: str, *, timeframe: str | None = None) -> list[BarSeries]:
    """Ask the sources of ``NAME[,NAME]:SYMBOL[,SYMBOL]`` for all closed bars since 2000.

    Raises BarSourceError, and InvalidTimeframe.
    """
    context = RemoteContext(
        environment=os.environ,
        cache=Path(DEFAULT_ROOT / CACHE),
        max_age_seconds=_MAX_AGE_SECONDS,
        clock=time.time,
        sleep=time.sleep,
    )
    return open_remote(location, timeframe=timeframe, context=context)


def open_remote(
    location: str, *, timeframe: str | None, context: RemoteContext, start: int = _START
) -> list[BarSeries]:
    """Do what ``open`` does with the context given."""
    names, colon, symbols = location.partition(":")
    if not colon or not names or not symbols:
        raise BarSourceError(f"path: was {location!r}, needed sources and symbols, {_EXAMPLE}")
    if timeframe is None:
        raise BarSourceError("timeframe: was absent, needed such as 1d, as a source is asked")
    slot = Timeframe.parse(timeframe)
    sources = InOrder([make_remote(name, context) for name in names.split(",")])
    now = int(context.clock())
    tables = []
    for symbol in symbols.split(","):
        asked = BarRequest(symbol=symbol, timeframe=slot, start=start, end=now)
        _, bars = sources.fetch(asked)
        closed = bars.take(bars.open_time + slot.seconds <= now)
        tables.append(_table(closed, symbol, location))
    return read_tables(tables, timeframe=timeframe)


def _table(bars: ReceivedBars, symbol: str, location: str) -> BarTable:
    frame = pd.DataFrame(bars.ohlcv, columns=list(BAR_COLUMNS)).assign(time=bars.open_time)
    if np.isfinite(bars.adjusted_close).all():
        frame = frame.assign(adj_close=bars.adjusted_close)
    return BarTable(location=f"{location} ({symbol})", frame=frame, first_row=1, symbol=symbol)
