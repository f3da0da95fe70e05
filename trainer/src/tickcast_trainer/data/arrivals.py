"""Where the rows of an import come from: files, bar sources, or remote sources by symbol."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import check_symbol
from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.data.errors import InvalidArguments, NothingHeld
from tickcast_trainer.data.file_rows import READERS, infer_timeframe, read_file_rows
from tickcast_trainer.data.layout import SeriesKey
from tickcast_trainer.data.precedence import read_precedence
from tickcast_trainer.data.silver import open_silver
from tickcast_trainer.errors import BarSourceError, UnknownBarSource
from tickcast_trainer.sources.received import ReceivedBars
from tickcast_trainer.sources.remote import (
    BarRequest,
    InOrder,
    RemoteContext,
    make_remote,
    remote_names,
)
from tickcast_trainer.sources.source import ENTRY_POINT_GROUP, find_source

OVERLAP_BARS = 10
"""Bars asked for again when an import goes on, so that adjusted prices can be linked."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SymbolPair:
    """A symbol to import, under two names."""

    stored: str
    """As it is held here, the same for all sources."""

    theirs: str
    """As the source calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What to bring into a data folder."""

    root: Path
    sources: tuple[str, ...]
    """One source, or several remote ones in the order in which they are asked."""

    location: str = ""
    symbols: tuple[SymbolPair, ...] = ()
    """Empty for all that a file holds."""

    timeframe: str | None = None
    start: int | None = None
    end: int | None = None
    horizon: int = 1
    """Bars from features to target in gold."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrival:
    """Rows of one series from one source."""

    key: SeriesKey
    source: str
    bars: ReceivedBars


def arrivals(
    request: ImportRequest, context: RemoteContext, failures: list[BarSourceError]
) -> Iterator[Arrival]:
    """Yield the rows of one series after another.

    A symbol that no remote source has is added to ``failures`` and left out. Raises TrainerError,
    and ModelkitError for a symbol or timeframe that is none.
    """
    if set(request.sources) <= set(remote_names()):
        yield from _remote_arrivals(request, context, failures)
        return
    if len(request.sources) > 1:
        raise InvalidArguments(
            f"source: was {','.join(request.sources)}, needed one source, or several of "
            f"{', '.join(remote_names())}"
        )
    source = request.sources[0]
    if source in READERS:
        parts = _chosen(request, read_file_rows(source, request.location))
        timeframe = request.timeframe or infer_timeframe([bars for _, bars in parts])
    else:
        parts, timeframe = _from_bar_source(request, source)
    text = str(Timeframe.parse(timeframe))
    for symbol, bars in parts:
        cut = bars.take(_is_between(bars, request))
        if len(cut):
            yield Arrival(key=SeriesKey(text, symbol), source=source, bars=cut)


def _remote_arrivals(
    request: ImportRequest, context: RemoteContext, failures: list[BarSourceError]
) -> Iterator[Arrival]:
    if request.timeframe is None:
        raise InvalidArguments("timeframe: was absent, needed such as 1d, as a source is asked")
    if not request.symbols:
        raise InvalidArguments("symbols: was absent, needed such as AAPL, as a source is asked")
    timeframe = Timeframe.parse(request.timeframe)
    sources = InOrder([make_remote(name, context) for name in request.sources])
    for pair in request.symbols:
        key = SeriesKey(str(timeframe), check_symbol(pair.stored))
        asked = BarRequest(
            symbol=pair.theirs,
            timeframe=timeframe,
            start=_start(request, key, timeframe),
            end=int(context.clock()) if request.end is None else request.end,
        )
        begin = time.monotonic()
        try:
            source, bars = sources.fetch(asked)
        except BarSourceError as error:
            failures.append(error)
            continue
        seconds = time.monotonic() - begin
        _log.info("%s: %s rows from %s in %.1f s", key, f"{len(bars):,}", source, seconds)
        yield Arrival(key=key, source=source, bars=bars)


def _start(request: ImportRequest, key: SeriesKey, timeframe: Timeframe) -> int:
    if request.start is not None:
        return request.start
    times = open_silver(request.root, key, read_precedence(request.root)).series.open_time
    if not len(times):
        raise InvalidArguments(
            f"start: was absent, needed such as 2020-01-01, as no bars of {key} are held to go on "
            "from"
        )
    return int(times[-1]) - OVERLAP_BARS * timeframe.seconds


def _from_bar_source(
    request: ImportRequest, source: str
) -> tuple[list[tuple[str, ReceivedBars]], str]:
    try:
        open_source = find_source(source)
    except UnknownBarSource as error:
        known = [point.name for point in entry_points(group=ENTRY_POINT_GROUP)]
        raise UnknownBarSource(source, [*known, *remote_names()]) from error
    series = open_source(request.location, timeframe=request.timeframe)
    parts = [
        (
            one.symbol,
            ReceivedBars(
                open_time=one.open_time,
                close_time=one.close_time,
                ohlcv=one.ohlcv,
                # Bar sources adjust by themselves, and tell no prices of before.
                adjusted_close=np.full(len(one), np.nan),
                provenance=np.full(len(one), request.location or source, dtype=object),
                row=np.arange(1, len(one) + 1),
            ),
        )
        for one in series
    ]
    return _chosen(request, parts), str(series[0].timeframe)


def _chosen(
    request: ImportRequest, parts: Sequence[tuple[str, ReceivedBars]]
) -> list[tuple[str, ReceivedBars]]:
    if not request.symbols:
        return list(parts)
    stored = {pair.theirs: pair.stored for pair in request.symbols}
    held = sorted({symbol for symbol, _ in parts})
    if missing := sorted(stored.keys() - set(held)):
        raise NothingHeld("symbols", ", ".join(missing), held)
    return [(check_symbol(stored[symbol]), bars) for symbol, bars in parts if symbol in stored]


def _is_between(bars: ReceivedBars, request: ImportRequest) -> NDArray[np.bool_]:
    start = np.iinfo(np.int64).min if request.start is None else request.start
    end = np.iinfo(np.int64).max if request.end is None else request.end
    return np.asarray((bars.open_time >= start) & (bars.open_time < end))
