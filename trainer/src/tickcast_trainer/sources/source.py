"""What a bar source is, and how one is found by its name."""

from importlib.metadata import entry_points
from typing import Protocol, cast

from tickcast_modelkit.bars import BarSeries

from tickcast_trainer.errors import UnknownBarSource

ENTRY_POINT_GROUP = "tickcast.bar_sources"


class BarSource(Protocol):
    """Opens a location and returns one validated series per symbol, ordered by symbol.

    Raises BarSourceError where the location or its rows cannot be used.
    """

    def __call__(self, location: str, *, timeframe: str | None) -> list[BarSeries]:
        """Read everything at ``location``; an absent ``timeframe`` is inferred from the bars."""
        ...


def find_source(name: str) -> BarSource:
    """Look a source up among the installed distributions' entry points.

    Raises UnknownBarSource, naming the sources that there are.
    """
    installed = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in installed:
        raise UnknownBarSource(name, tuple(installed))
    return cast(BarSource, installed[name].load())
