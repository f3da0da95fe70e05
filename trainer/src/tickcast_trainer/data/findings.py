"""What is noticed about the bars of a series while they are reconciled, and how it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from tickcast_trainer.data.instants import to_column


class Kind(StrEnum):
    """What can be the matter with bars."""

    CORRUPT = "corrupt"
    """A file is not what was written."""

    INVALID = "invalid"
    """A row contradicts itself, such as a high below its low; it is in no layer above bronze."""

    OFF_GRID = "off_grid"
    """A row does not start a slot of the timeframe; it is in no layer above bronze."""

    UNFINISHED = "unfinished"
    """A row arrived before its bar had closed; it is in no layer above bronze."""

    DUPLICATE = "duplicate"
    """A row came twice from one source at one time, with the same values."""

    CONTRADICTION = "contradiction"
    """A row came twice from one source at one time, with other values; the last one counts."""

    REVISION = "revision"
    """A source gave other values later; the later ones count."""

    CONFLICT = "conflict"
    """Two sources tell different closes; the one believed first counts."""

    UNLINKED = "unlinked"
    """A source fills bars but shares none, so that its scale could not be compared."""

    GAP = "gap"
    """Slots without a bar in which one was to be expected."""

    OUTLIER = "outlier"
    """A move far beyond those before it; the bar stays and is flagged."""

    ZERO_VOLUME = "zero_volume"
    """A bar without volume."""

    SUSPECT_SPLIT = "suspect_split"
    """A price that opens at a simple ratio of the close before, as if after a split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing noticed, at one place of a series."""

    kind: Kind
    source: str
    """Source of the row; empty where it is about the reconciled bars."""

    start: int
    """Open time of the first bar concerned, seconds since the Unix epoch."""

    end: int
    """Open time of the last bar concerned."""

    bars: int
    """How many bars it is about."""

    detail: str
    """What was found, for a person."""


def to_table(findings: Sequence[Finding]) -> pa.Table:
    """Return the findings as a table, in their order."""
    return pa.table(
        {
            "kind": pa.array([str(one.kind) for one in findings], pa.string()),
            "source": pa.array([one.source for one in findings], pa.string()),
            "start": to_column([one.start for one in findings]),
            "end": to_column([one.end for one in findings]),
            "bars": pa.array([one.bars for one in findings], pa.int64()),
            "detail": pa.array([one.detail for one in findings], pa.string()),
        }
    )


def from_table(table: pa.Table) -> list[Finding]:
    """Return the findings of a table."""
    return [
        Finding(
            kind=Kind(row["kind"]),
            source=row["source"],
            start=int(row["start"].timestamp()),
            end=int(row["end"].timestamp()),
            bars=row["bars"],
            detail=row["detail"],
        )
        for row in table.to_pylist()
    ]
