"""Where things are in a data folder.

::

    <root>/bronze/timeframe=1d/symbol=AAPL/period=2012/<digest>.parquet
    <root>/silver/timeframe=1d/symbol=AAPL/period=2012/bars.parquet
    <root>/silver/timeframe=1d/symbol=AAPL/findings.parquet   gaps.parquet   index.json
    <root>/gold/features=core-.../horizon=1/timeframe=1d/symbol=AAPL/period=2012/rows.parquet
    <root>/cache/   answers of remote sources
    <root>/precedence   which source is believed first

A period is a year for bars of a day or more, a month below. Names are those that readers of
partitioned Parquet understand, with percent-encoding where a symbol holds what a path cannot.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

DEFAULT_ROOT = Path(".tickcast/data")
BRONZE, SILVER, GOLD, CACHE = "bronze", "silver", "gold", "cache"
PRECEDENCE = "precedence"
LOCK = ".lock"


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """The bars of one symbol in one timeframe."""

    timeframe: str
    symbol: str

    def below(self, folder: Path) -> Path:
        """The series' own folder in a layer."""
        name = quote(self.symbol, safe="^=")
        return folder / f"timeframe={self.timeframe}" / f"symbol={name}"

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe}"


def list_series(layer: Path) -> Iterator[SeriesKey]:
    """Yield the series that have a folder in a layer, ordered; none for a missing layer."""
    for folder in sorted(layer.glob("timeframe=*/symbol=*")):
        timeframe = folder.parent.name.removeprefix("timeframe=")
        yield SeriesKey(timeframe, unquote(folder.name.removeprefix("symbol=")))


def period_folder(series: Path, period: str) -> Path:
    """The folder of one partition of a series."""
    return series / f"period={period}"
