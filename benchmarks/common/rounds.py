"""Sides that are measured in turn, so that both met the same machine."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Side = TypeVar("Side", bound=Hashable)
Measured = TypeVar("Measured")


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One side over the other."""

    median: float
    lowest: float
    highest: float

    @staticmethod
    def of(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
        """Round by round. Raises `ValueError` for no rounds or unequal numbers of them."""
        each = [one / other for one, other in zip(ours, theirs, strict=True)]
        if not each:
            raise ValueError("rounds: was none, needed at least one")
        return Ratio(median=statistics.median(each), lowest=min(each), highest=max(each))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"


def in_turn(
    sides: Mapping[Side, Callable[[], Measured]], rounds: int
) -> dict[Side, list[Measured]]:
    """Measures every side in every round; whoever goes first is another one each time."""
    found: dict[Side, list[Measured]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            found[name].append(sides[name]())
    return found
