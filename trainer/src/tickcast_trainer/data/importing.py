"""The straight line of an import: rows from a source to bronze, and from there up."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tickcast_modelkit.durable_files import exclusive

from tickcast_trainer.data.arrivals import ImportRequest, arrivals
from tickcast_trainer.data.bronze import add_received
from tickcast_trainer.data.gold import build_gold
from tickcast_trainer.data.layout import BRONZE, LOCK, SeriesKey
from tickcast_trainer.data.precedence import read_precedence
from tickcast_trainer.data.silver import SilverBars, build_gaps, open_silver
from tickcast_trainer.errors import BarSourceError
from tickcast_trainer.progress import Progress
from tickcast_trainer.sources.remote import RemoteContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedSeries:
    """What an import brought for one series."""

    key: SeriesKey
    source: str
    rows: int
    """Rows received."""

    files: int
    """Bronze files that were new."""

    bars: int
    """Bars that silver holds now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """What an import did, and what it could not do."""

    imported: tuple[ImportedSeries, ...]
    failures: tuple[BarSourceError, ...]
    """Of symbols that no source had; the others were imported."""


def run_import(request: ImportRequest, context: RemoteContext, progress: Progress) -> ImportRun:
    """Bring rows into bronze and make silver and gold of the series concerned.

    The same request with the same answers changes nothing, and one that was interrupted goes on.
    Raises TrainerError, and ModelkitError for a symbol or timeframe that is none.
    """
    request.root.mkdir(parents=True, exist_ok=True)
    precedence = read_precedence(request.root)
    failures: list[BarSourceError] = []
    arrived: list[tuple[SeriesKey, str, int, int]] = []
    with exclusive(request.root / LOCK):
        for arrival in arrivals(request, context, failures):
            files = add_received(
                request.root / BRONZE,
                arrival.key,
                arrival.source,
                arrival.bars,
                arrival_time=int(context.clock()),
            )
            arrived.append((arrival.key, arrival.source, len(arrival.bars), files))
        keys = sorted({key for key, *_ in arrived})
        silver = refresh(request.root, keys, precedence, horizon=request.horizon, progress=progress)
    imported = tuple(
        ImportedSeries(key=key, source=source, rows=rows, files=files, bars=len(silver[key].series))
        for key, source, rows, files in arrived
    )
    return ImportRun(imported=imported, failures=tuple(failures))


def refresh(
    root: Path,
    keys: Sequence[SeriesKey],
    precedence: Sequence[str],
    *,
    horizon: int,
    progress: Progress,
) -> dict[SeriesKey, SilverBars]:
    """Make silver, gaps and gold of some series, as far as they are not current."""
    silver = {}
    with progress.step("silver", len(keys)) as advance:
        for key in keys:
            silver[key] = open_silver(root, key, precedence)
            advance(1)
    for timeframe in sorted({key.timeframe for key in keys}):
        build_gaps(root, timeframe)
    with progress.step("gold", len(keys)) as advance:
        for key in keys:
            build_gold(root, silver[key].series, horizon=horizon)
            advance(1)
    return silver
