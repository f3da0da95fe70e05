"""Bars as the SDK sends them, out of the series that tests generate."""

from __future__ import annotations

from datetime import UTC, datetime

from tickcast import Bar
from tickcast_modelkit.bars import BAR_COLUMNS, BarSeries


def sdk_bars(series: BarSeries, *, symbol: str = "") -> list[Bar]:
    """The bars of a series, oldest first; of another symbol when one is given."""
    return [
        Bar(
            symbol=symbol or series.symbol,
            timeframe=str(series.timeframe),
            open_time=datetime.fromtimestamp(opened, UTC),
            **dict(zip(BAR_COLUMNS, row, strict=True)),
        )
        for opened, row in zip(series.open_time.tolist(), series.ohlcv.tolist(), strict=True)
    ]
