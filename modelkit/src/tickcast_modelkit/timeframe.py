"""Timeframes: how long a bar's slot is, and where on the clock slots begin."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.errors import InvalidTimeframe

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_GRAMMAR = re.compile(r"([1-9][0-9]{0,8})([smhdw])")
_LONGEST = 366 * 86_400

# The epoch was a Thursday; the first Monday after it is four days on.
_FIRST_MONDAY = 4 * 86_400


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The length of a bar's slot, such as ``5m`` or ``1d``.

    Slots lie side by side on a grid: weeks begin on Monday 00:00 UTC, all other slots at multiples
    of their length since the Unix epoch. Instants are whole seconds since the epoch, UTC.
    """

    count: int
    """How many units a slot is long; 1 or more."""

    unit: str
    """One of ``s``, ``m``, ``h``, ``d``, ``w``."""

    def __post_init__(self) -> None:
        if self.unit not in _UNIT_SECONDS or not 0 < self.count * self.seconds_per_unit <= _LONGEST:
            raise _invalid(f"{self.count}{self.unit}")

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        """Read a timeframe such as ``5m``.

        Raises InvalidTimeframe.
        """
        match = _GRAMMAR.fullmatch(text)
        if match is None:
            raise _invalid(text)
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def seconds_per_unit(self) -> int:
        """Length of the unit in seconds."""
        return _UNIT_SECONDS[self.unit]

    @property
    def seconds(self) -> int:
        """Length of a slot in seconds."""
        return self.count * self.seconds_per_unit

    def floor(self, t: int) -> int:
        """Start of the slot that holds the instant ``t``."""
        return t - (t - self._anchor) % self.seconds

    def floor_all(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Start of the slot that holds each of ``times``; the array form of ``floor``."""
        return times - (times - self._anchor) % self.seconds

    def close_of(self, open_time: int) -> int:
        """End of the slot that starts at ``open_time``."""
        return open_time + self.seconds

    def is_on_grid(self, t: int) -> bool:
        """Whether a slot starts at the instant ``t``."""
        return (t - self._anchor) % self.seconds == 0

    def on_grid(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a slot starts at each of ``times``; the array form of ``is_on_grid``."""
        return np.asarray((times - self._anchor) % self.seconds == 0, dtype=np.bool_)

    @property
    def _anchor(self) -> int:
        return _FIRST_MONDAY if self.unit == "w" else 0


def _invalid(text: str) -> InvalidTimeframe:
    return InvalidTimeframe(
        f"timeframe: was {text!r}, needed a positive count and a unit (s, m, h, d or w), "
        "such as 5m or 1d, of at most 366 days"
    )
