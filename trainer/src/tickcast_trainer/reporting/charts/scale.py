"""From figures to places on an axis, with ticks at round ones."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

_Unit = Literal["Y", "M", "D", "h", "m"]

_TIME_STEPS: tuple[tuple[_Unit, int], ...] = (
    ("Y", 20),
    ("Y", 10),
    ("Y", 5),
    ("Y", 2),
    ("Y", 1),
    ("M", 6),
    ("M", 3),
    ("M", 1),
    ("D", 7),
    ("D", 2),
    ("D", 1),
    ("h", 6),
    ("h", 1),
    ("m", 10),
    ("m", 1),
)
_FEWEST_TIME_TICKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A stretch of figures, ``low`` below ``high``, and what is written along it."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    name: str
    """What the axis shows, with its unit."""

    def place(self, value: float, begin: float, end: float) -> float:
        """Return where a figure lies between the pixels ``begin`` and ``end``."""
        return begin + (value - self.low) / (self.high - self.low) * (end - begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How figures are written along an axis."""

    factor: float
    suffix: str

    def text(self, value: float, step: float) -> str:
        """Write a figure with the digits that tell it from its neighbours, a step away."""
        digits = max(0, math.ceil(-math.log10(step * self.factor) - 1e-9))
        shown = f"{self.factor * value:.{digits}f}{self.suffix}"
        return shown.replace("-", "\N{MINUS SIGN}")


PLAIN = Unit(factor=1.0, suffix="")
PERCENT = Unit(factor=100.0, suffix="%")


def number_scale(values: Iterable[float], name: str, unit: Unit, *, count: int = 5) -> Scale:
    """Return a scale that holds all values, at least one, from one round figure to another."""
    found = list(values)
    low, high = min(found), max(found)
    if low == high:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    step = _round_step((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple((tick * step, unit.text(tick * step, step)) for tick in range(first, last + 1))
    return Scale(low=first * step, high=last * step, ticks=ticks, name=name)


def time_scale(low: int, high: int, name: str) -> Scale:
    """Return a scale of instants, seconds since the epoch, with ticks where calendars turn."""
    begin, end = np.datetime64(low, "s"), np.datetime64(high, "s")
    ticks: tuple[tuple[float, str], ...] = ()
    for unit, step in _TIME_STEPS:
        # Years, months, ... since 1970, rounded up to a multiple of the step.
        first = -(-int(begin.astype(f"datetime64[{unit}]").astype(int)) // step) * step
        last = int(end.astype(f"datetime64[{unit}]").astype(int))
        turns = [np.datetime64(turn, unit) for turn in range(first, last + 1, step)]
        ticks = tuple(
            (float(turn.astype("datetime64[s]").astype(int)), str(turn).replace("T", " "))
            for turn in turns
            if begin <= turn <= end
        )
        if len(ticks) >= _FEWEST_TIME_TICKS:
            break
    return Scale(low=low, high=max(high, low + 1), ticks=ticks, name=name)


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))
