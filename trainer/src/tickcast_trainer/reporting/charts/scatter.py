"""What was said against what came, with the line where both are the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.frame import (
    WIDTH,
    Area,
    Caption,
    bottom_axis,
    drawing,
    left_axis,
    marker,
)
from tickcast_trainer.reporting.charts.scale import Scale
from tickcast_trainer.reporting.markup import tag

_HEIGHT = 340.0
_AREA = Area(left=72.0, right=WIDTH - 24.0, top=34.0, bottom=_HEIGHT - 46.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What came, with its interval, where ``said`` was said."""

    said: float
    value: float
    low: float
    high: float
    told: str
    """What it says under a pointer."""


def scatter_chart(caption: Caption, x: Scale, y: Scale, points: Sequence[Point]) -> Element:
    """Draw points and their intervals."""
    parts = [*left_axis(_AREA, y), *bottom_axis(_AREA, x), _identity(x, y)]
    for point in points:
        at, low, high = _AREA.x(x, point.said), _AREA.y(y, point.low), _AREA.y(y, point.high)
        parts.append(tag("line", class_="whisker s0", x1=at, x2=at, y1=low, y2=high))
        parts.append(marker(0, at, _AREA.y(y, point.value), point.told))
    return drawing(caption, _HEIGHT, parts)


def _identity(x: Scale, y: Scale) -> Element:
    low, high = max(x.low, y.low), min(x.high, y.high)
    return tag(
        "line",
        class_="reference",
        x1=_AREA.x(x, low),
        y1=_AREA.y(y, low),
        x2=_AREA.x(x, high),
        y2=_AREA.y(y, high),
    )
