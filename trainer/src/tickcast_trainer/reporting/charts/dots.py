"""Figures of named things, one below the other, each with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.frame import (
    WIDTH,
    Area,
    Caption,
    bottom_axis,
    drawing,
    legend,
    marker,
    text_width,
)
from tickcast_trainer.reporting.charts.scale import Scale
from tickcast_trainer.reporting.markup import tag

_ROW = 26.0
_APART = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A figure; without an interval, its ends are the figure itself."""

    value: float
    low: float
    high: float
    told: str
    """What it says under a pointer."""


def dot_chart(
    caption: Caption,
    x: Scale,
    series: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Dot]]],
    *,
    reference: float | None = None,
) -> Element:
    """Draw rows of a label and one dot for each series, and a line at ``reference``."""
    left = min(250.0, max(text_width(label) for label, _ in rows) + 20.0)
    top = 32.0 if len(series) > 1 else 10.0
    row_height = _ROW + _APART * (len(series) - 1) / 2
    bottom = top + row_height * len(rows)
    area = Area(left=left, right=WIDTH - 24.0, top=top, bottom=bottom)
    parts = bottom_axis(area, x)
    if reference is not None:
        at = area.x(x, reference)
        parts.append(tag("line", class_="reference", x1=at, x2=at, y1=top, y2=bottom))
    for place, (label, dots) in enumerate(rows):
        middle = top + row_height * (place + 0.5)
        parts.append(tag("text", label, class_="tick end", x=left - 10, y=middle + 4))
        for number, dot in enumerate(dots):
            y = middle + _APART * (number - (len(series) - 1) / 2)
            parts += _dot(area, x, number, dot, y)
    if len(series) > 1:
        parts += legend(series, 16.0, is_line=False)
    return drawing(caption, bottom + 46.0, parts)


def _dot(area: Area, x: Scale, series: int, dot: Dot, y: float) -> list[Element]:
    ends = {"x1": area.x(x, dot.low), "x2": area.x(x, dot.high)}
    whisker = tag("line", class_=f"whisker s{series}", y1=y, y2=y, **ends)
    return [whisker, marker(series, area.x(x, dot.value), y, dot.told)]
