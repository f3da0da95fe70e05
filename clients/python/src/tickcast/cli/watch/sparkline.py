"""Numbers as a row of small bars, one character each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_BARS = "▁▂▃▄▅▆▇█"


def levels(values: Sequence[float]) -> str:
    """The lowest is the lowest bar, the highest the highest; all in the middle when none moved."""
    if not values:
        return ""
    low, high = min(values), max(values)
    if low == high:
        return _BARS[3] * len(values)
    return "".join(_BARS[round((value - low) / (high - low) * 7)] for value in values)


def moves(values: Iterable[float]) -> str:
    """Ups are in the upper half of the line and downs in the lower, so that no colour is needed.

    The largest move of all, up or down, is the highest or the lowest bar.
    """
    found = list(values)
    largest = max(map(abs, found), default=0.0) or 1.0
    return "".join(_move(value / largest) for value in found)


def _move(share: float) -> str:
    step = round(abs(share) * 3)
    return _BARS[4 + step] if share > 0 else _BARS[3 - step]
