"""Times as files write them, turned into UTC instants.

Read are ISO 8601 dates and times, with or without a zone, and integers counted from the Unix epoch
in seconds, milliseconds, microseconds or nanoseconds, told apart by their size. Times without a
zone are UTC; times with one are converted; a column that mixes the two, or two zones, is refused.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_EPOCH_TEXT = r"\d{9,18}|[1-8]\d{18}"
_DATE_DIGITS = 8
_ZONE = r"[T ]\d{2}(?::?\d{2}.*?)?(Z|z|[+-]\d{2}(?::?\d{2})?)$"
# Name of a unit and microseconds in one, by the size below which an integer is taken for it.
_EPOCH_UNITS = {
    1e11: ("seconds", 1_000_000.0),
    1e14: ("milliseconds", 1_000.0),
    1e17: ("microseconds", 1.0),
    1e19: ("nanoseconds", 0.001),
}
_SUMMER_TIME_SECONDS = 3600
_NEEDED = "an ISO 8601 time or an integer since the Unix epoch"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instants:
    """A column of instants, and what could not be read of it."""

    microseconds: NDArray[np.int64]
    """Since the Unix epoch, UTC; 0 where a problem is noted."""

    problems: tuple[tuple[int, str], ...]
    """Position in the column, counted from 0, and what was needed there."""

    zoneless: bool
    """Whether the times carried no zone and so were taken for UTC."""


def parse_instants(column: "pd.Series[Any]") -> Instants:
    """Read a column of times; never raises for a value, but notes it as a problem."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        zoneless = getattr(column.dtype, "tz", None) is None
        return _instants(pd.to_datetime(column, utc=True), {}, zoneless=zoneless)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _from_epoch(column.to_numpy(dtype=np.float64, na_value=np.nan))
    text = column.fillna("").astype("str").str.strip()
    is_epoch = text.str.fullmatch(_EPOCH_TEXT)
    if is_epoch.mean() > 0.5:
        return _from_epoch(text.where(is_epoch, "nan").to_numpy().astype(np.float64))
    return _from_iso(text)


def _from_epoch(values: NDArray[np.float64]) -> Instants:
    # float64 holds every whole second exactly, and nanoseconds to a quarter of a microsecond.
    bounds = list(_EPOCH_UNITS)
    whole = np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < bounds[-1])
    unit_of = np.searchsorted(bounds, np.abs(np.where(whole, values, 0.0)), side="right")
    unit = int(unit_of[whole][0]) if whole.any() else 0
    name, microseconds = _EPOCH_UNITS[bounds[unit]]
    fits = whole & (unit_of == unit)
    needed = f"an integer of {name} since the Unix epoch, as in the first row"
    return Instants(
        microseconds=np.rint(np.where(fits, values, 0.0) * microseconds).astype(np.int64),
        problems=tuple((row, needed) for row in np.flatnonzero(~fits).tolist()),
        zoneless=False,
    )


def _from_iso(text: "pd.Series[str]") -> Instants:
    times = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    only_digits = text.str.fullmatch(r"\d+") & (text.str.len() != _DATE_DIGITS)
    problems = dict.fromkeys(np.flatnonzero(times.isna() | only_digits).tolist(), _NEEDED)
    zones = text.str.extract(_ZONE, expand=False)
    offsets = np.asarray(zones.map(_offset_seconds, na_action="ignore"), dtype=np.float64)
    readable = np.flatnonzero(times.notna() & ~only_digits)
    if len(readable):
        problems |= _zone_problems(offsets, readable, first=text.iloc[readable[0]])
    return _instants(times, problems, zoneless=bool(np.isnan(offsets).all()))


def _zone_problems(
    offsets: NDArray[np.float64], readable: NDArray[np.intp], *, first: str
) -> dict[int, str]:
    # One market's offsets differ by summer time at most; more than that is two exports in one.
    expected = offsets[readable[0]]
    mixed = readable[np.isnan(offsets[readable]) != np.isnan(expected)]
    foreign = readable[np.abs(offsets[readable] - expected) > _SUMMER_TIME_SECONDS]
    with_or_without = "without" if np.isnan(expected) else "with"
    return dict.fromkeys(
        mixed.tolist(), f"a time {with_or_without} a zone as in the first row, {first}"
    ) | dict.fromkeys(foreign.tolist(), f"the time zone of the first row, {first}")


def _offset_seconds(zone: str) -> int:
    if zone in ("Z", "z"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _instants(
    times: "pd.Series[pd.Timestamp]", problems: dict[int, str], *, zoneless: bool
) -> Instants:
    missing = np.flatnonzero(times.isna())
    problems = dict.fromkeys(missing.tolist(), _NEEDED) | problems
    microseconds = pd.DatetimeIndex(times).as_unit("us").asi8.copy()
    microseconds[list(problems)] = 0
    return Instants(
        microseconds=microseconds, problems=tuple(sorted(problems.items())), zoneless=zoneless
    )
