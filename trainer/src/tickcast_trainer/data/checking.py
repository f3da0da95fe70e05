"""What is wrong with the bars held, by symbol, and whether it is bad enough to stop for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from tickcast_modelkit.durable_files import exclusive

from tickcast_trainer.data.bronze import bronze_paths, read_bronze_file
from tickcast_trainer.data.derived import DerivedFiles
from tickcast_trainer.data.errors import CorruptPartition
from tickcast_trainer.data.findings import Finding, Kind
from tickcast_trainer.data.gaps import WEEK
from tickcast_trainer.data.gold import build_gold
from tickcast_trainer.data.layout import BRONZE, GOLD, LOCK, SeriesKey
from tickcast_trainer.data.outliers import THRESHOLD
from tickcast_trainer.data.silver import (
    SilverBars,
    build_gaps,
    build_silver,
    open_silver,
    read_findings,
    read_gaps,
    silver_files,
)
from tickcast_trainer.data.splits import suspect_splits
from tickcast_trainer.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Everything of one kind that was found in one series."""

    key: SeriesKey
    kind: Kind
    bars: int
    """How many bars it is about; files where they are corrupt."""

    of: int
    """How many it could have been about: bars held, or expected where there are gaps."""

    start: int
    """Open time of the first bar concerned, seconds since the Unix epoch; 0 of corrupt files."""

    end: int
    """Open time of the last bar concerned."""

    is_bad: bool
    detail: str
    """The first of them, or the worst, for a person."""


Rule = Callable[[Sequence[Finding], int], bool]


def _always(_found: Sequence[Finding], _of: int) -> bool:
    return True


def _never(_found: Sequence[Finding], _of: int) -> bool:
    return False


def _more_than(share: float) -> Rule:
    return lambda found, of: _bars(found) > share * of


def _bad_gaps(found: Sequence[Finding], of: int) -> bool:
    return _more_than(0.05)(found, of) or any(one.end - one.start >= WEEK for one in found)


def _bad_zero_volume(found: Sequence[Finding], of: int) -> bool:
    # Without any volume at all the source tells none, as for currencies: no fault of a bar.
    return 0.05 * of < _bars(found) < of


RULES: Mapping[Kind, tuple[str, Rule]] = MappingProxyType(
    {
        Kind.CORRUPT: ("any", _always),
        Kind.INVALID: ("any", _always),
        Kind.OFF_GRID: ("any", _always),
        Kind.CONTRADICTION: ("any", _always),
        Kind.CONFLICT: ("more than 1% of the bars", _more_than(0.01)),
        Kind.UNLINKED: ("any", _always),
        Kind.GAP: ("more than 5% of the bars expected, or a week without any", _bad_gaps),
        Kind.OUTLIER: ("more than 1% of the bars", _more_than(0.01)),
        Kind.ZERO_VOLUME: ("more than 5% of the bars, but not all", _bad_zero_volume),
        Kind.SUSPECT_SPLIT: ("any", _always),
        Kind.DUPLICATE: ("never", _never),
        Kind.REVISION: ("never", _never),
        Kind.UNFINISHED: ("never", _never),
    }
)
"""When a kind is bad enough for ``check`` to end with exit code 1: in words, and as a rule."""


def check(
    root: Path, keys: Sequence[SeriesKey], precedence: Sequence[str], progress: Progress
) -> list[Verdict]:
    """Read every file of some series and judge what is in them; worst first within a series.

    Files of silver and gold that are damaged are named and made again from the layer below; those
    of bronze have none, and stay. Raises InvalidArguments and the like; never for what it finds.
    """
    verdicts = []
    with exclusive(root / LOCK), progress.step("check", len(keys)) as advance:
        for key in keys:
            verdicts += _check_series(root, key, precedence)
            advance(1)
    return verdicts


def _check_series(root: Path, key: SeriesKey, precedence: Sequence[str]) -> list[Verdict]:
    if damaged := _damaged_bronze(root, key):
        return [_corrupt(key, damaged, "import it again, or delete the file")]
    verdicts = []
    damaged = [*silver_files(root, key).damaged(), *_repair_gold(root, key, precedence)]
    build_silver(root, key, precedence, verify=bool(damaged))
    build_gaps(root, key.timeframe)
    if damaged:
        verdicts.append(_corrupt(key, damaged, "it was made again from the layer below"))
    silver = open_silver(root, key, precedence)
    gaps, expected = read_gaps(root, key)
    found = [*read_findings(root, key), *gaps, *_of_bars(silver)]
    for kind in RULES:
        if of_kind := [one for one in found if one.kind is kind]:
            of = expected if kind is Kind.GAP else len(silver.series)
            verdicts.append(_verdict(key, kind, of_kind, of))
    return sorted(verdicts, key=lambda one: not one.is_bad)


def _damaged_bronze(root: Path, key: SeriesKey) -> list[CorruptPartition]:
    damaged = []
    for path in bronze_paths(root / BRONZE, key):
        try:
            read_bronze_file(path)
        except CorruptPartition as error:
            damaged.append(error)
    return damaged


def _repair_gold(root: Path, key: SeriesKey, precedence: Sequence[str]) -> list[CorruptPartition]:
    damaged = []
    for horizon in sorted((root / GOLD).glob("features=*/horizon=*")):
        files = DerivedFiles(key.below(horizon))
        if found := files.damaged():
            damaged += found
            files.keep_only(files.index.keys() - {_name(files, error) for error in found})
            series = open_silver(root, key, precedence).series
            steps = int(horizon.name.removeprefix("horizon="))
            build_gold(root, series, horizon=steps)
    return damaged


def _name(files: DerivedFiles, error: CorruptPartition) -> str:
    return error.path.relative_to(files.folder).as_posix()


def _of_bars(silver: SilverBars) -> Iterator[Finding]:
    series = silver.series
    times = series.open_time
    for row in np.flatnonzero(silver.outlier).tolist():
        detail = f"{silver.score[row]:.0f} times the usual move"
        if row:
            move = series.ohlcv[row, 3] / series.ohlcv[row - 1, 3] - 1.0
            detail += f", close {move:+.1%}"
        yield _at(Kind.OUTLIER, int(times[row]), detail)
    for row in np.flatnonzero(series.ohlcv[:, 4] == 0.0).tolist():
        yield _at(Kind.ZERO_VOLUME, int(times[row]), "volume 0")
    for row, ratio in suspect_splits(series.ohlcv, silver.score, THRESHOLD):
        shape = f"{ratio:g} for 1" if ratio >= 1 else f"1 for {1 / ratio:g}"
        detail = f"opens as after a split of {shape}, at {series.ohlcv[row, 0]:g}"
        yield _at(Kind.SUSPECT_SPLIT, int(times[row]), detail)


def _verdict(key: SeriesKey, kind: Kind, found: Sequence[Finding], of: int) -> Verdict:
    shown = max(found, key=lambda one: one.bars)
    when = f"{np.datetime64(shown.start, 's')}Z".removesuffix("T00:00:00Z")
    source = f" {shown.source}" if shown.source else ""
    return Verdict(
        key=key,
        kind=kind,
        bars=_bars(found),
        of=of,
        start=min(one.start for one in found),
        end=max(one.end for one in found),
        is_bad=RULES[kind][1](found, of),
        detail=f"{when}{source}: {shown.detail}",
    )


def _corrupt(key: SeriesKey, damaged: Sequence[CorruptPartition], repair: str) -> Verdict:
    return Verdict(
        key=key,
        kind=Kind.CORRUPT,
        bars=len(damaged),
        of=len(damaged),
        start=0,
        end=0,
        is_bad=True,
        detail="; ".join(map(str, damaged)) + f"; {repair}",
    )


def _at(kind: Kind, time: int, detail: str) -> Finding:
    return Finding(kind=kind, source="", start=time, end=time, bars=1, detail=detail)


def _bars(found: Sequence[Finding]) -> int:
    return sum(one.bars for one in found)
