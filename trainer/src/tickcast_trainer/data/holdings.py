"""What a data folder holds, and its bars as a person reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tickcast_trainer.data.bronze import bronze_paths
from tickcast_trainer.data.derived import DerivedFiles
from tickcast_trainer.data.errors import NothingHeld
from tickcast_trainer.data.layout import BRONZE, GOLD, SILVER, SeriesKey, list_series
from tickcast_trainer.data.silver import SilverBars, open_silver


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Holding:
    """One series and its layers."""

    key: SeriesKey
    silver: SilverBars
    files: dict[str, int]
    """Files in each layer that has any."""

    @property
    def sources(self) -> dict[str, int]:
        """Source to how many of the bars are from it."""
        names = self.silver.source.tolist()
        return {name: names.count(name) for name in sorted(set(names))}


def find_series(root: Path, timeframe: str | None, symbols: Sequence[str]) -> list[SeriesKey]:
    """Return the series held of a timeframe and some symbols, or of all.

    Raises NothingHeld, naming what there is.
    """
    held = list(list_series(root / BRONZE))
    if not held:
        raise NothingHeld("data", str(root), ())
    frames = sorted({key.timeframe for key in held})
    if timeframe is not None and timeframe not in frames:
        raise NothingHeld("timeframe", timeframe, frames)
    keys = [key for key in held if timeframe in (None, key.timeframe)]
    known = sorted({key.symbol for key in keys})
    if missing := [symbol for symbol in symbols if symbol not in known]:
        raise NothingHeld("symbols", ", ".join(missing), known)
    return [key for key in keys if not symbols or key.symbol in symbols]


def holding(root: Path, key: SeriesKey, precedence: Sequence[str]) -> Holding:
    """Read a series, made again from bronze where it is not current."""
    silver = open_silver(root, key, precedence)
    files = {
        BRONZE: len(bronze_paths(root / BRONZE, key)),
        SILVER: _partitions(key.below(root / SILVER)),
        GOLD: sum(map(_partitions, map(key.below, (root / GOLD).glob("features=*/horizon=*")))),
    }
    return Holding(
        key=key, silver=silver, files={layer: count for layer, count in files.items() if count}
    )


def _partitions(folder: Path) -> int:
    return sum(name.startswith("period=") for name in DerivedFiles(folder).index)
