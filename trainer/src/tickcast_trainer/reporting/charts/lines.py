"""Curves over time."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.frame import (
    WIDTH,
    Area,
    Caption,
    bottom_axis,
    drawing,
    left_axis,
    legend,
)
from tickcast_trainer.reporting.charts.scale import Scale
from tickcast_trainer.reporting.markup import tag

_HEIGHT = 300.0
_AREA = Area(left=64.0, right=WIDTH - 24.0, top=34.0, bottom=_HEIGHT - 46.0)

Curve = Sequence[tuple[float, float]]


def line_chart(
    caption: Caption,
    x: Scale,
    y: Scale,
    curves: Sequence[tuple[str, Curve]],
    *,
    reference: float | None = None,
) -> Element:
    """Draw named curves of points (x, y), and a line at the height ``reference``."""
    parts = [*left_axis(_AREA, y), *bottom_axis(_AREA, x)]
    if reference is not None:
        at = _AREA.y(y, reference)
        parts.append(tag("line", class_="reference", x1=_AREA.left, x2=_AREA.right, y1=at, y2=at))
    # The first series matters most and so lies on top.
    for series, (_, points) in reversed(list(enumerate(curves))):
        path = " ".join(f"{_AREA.x(x, at):.1f},{_AREA.y(y, value):.1f}" for at, value in points)
        parts.append(tag("polyline", class_=f"curve s{series}", points=path))
    if len(curves) > 1:
        parts += legend([name for name, _ in curves], 18.0, is_line=True)
    return drawing(caption, _HEIGHT, parts)
