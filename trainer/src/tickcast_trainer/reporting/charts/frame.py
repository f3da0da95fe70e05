"""What every chart has: a drawing with a title and a description, axes, a legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.scale import Scale
from tickcast_trainer.reporting.markup import tag

WIDTH = 720.0
_LETTER = 7.2
_RADIUS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What a chart is called and what it shows."""

    key: str
    """One word, another for each chart of a page."""

    title: str

    description: str
    """What is to be seen in it, with figures, for those who do not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The pixels that figures are drawn in."""

    left: float
    right: float
    top: float
    bottom: float

    def x(self, scale: Scale, value: float) -> float:
        """Return the pixel of a figure from left to right."""
        return scale.place(value, self.left, self.right)

    def y(self, scale: Scale, value: float) -> float:
        """Return the pixel of a figure from the bottom up."""
        return scale.place(value, self.bottom, self.top)


def drawing(caption: Caption, height: float, parts: Sequence[Element]) -> Element:
    """Return a chart ``WIDTH`` wide of its parts, the first at the back."""
    title, description = f"{caption.key}-title", f"{caption.key}-description"
    return tag(
        "svg",
        tag("title", caption.title, id=title),
        tag("desc", caption.description, id=description),
        *parts,
        class_="chart",
        role="img",
        viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
        aria_labelledby=title,
        aria_describedby=description,
    )


def text_width(text: str) -> float:
    """Return about how wide a text is."""
    return _LETTER * len(text)


def bottom_axis(area: Area, scale: Scale) -> list[Element]:
    """Draw ticks, grid and name below the area."""
    parts = []
    free_from = -1.0
    for value, label in scale.ticks:
        x = area.x(scale, value)
        parts.append(tag("line", class_="grid", x1=x, x2=x, y1=area.top, y2=area.bottom))
        # Labels that would run into the one before are left out, their ticks stay.
        if x - text_width(label) / 2 > free_from:
            parts.append(tag("text", label, class_="tick middle", x=x, y=area.bottom + 18))
            free_from = x + text_width(label) / 2 + 6
    middle = (area.left + area.right) / 2
    parts.append(tag("text", scale.name, class_="name middle", x=middle, y=area.bottom + 38))
    return parts


def left_axis(area: Area, scale: Scale) -> list[Element]:
    """Draw ticks and grid beside the area, and the name above it."""
    parts = []
    for value, label in scale.ticks:
        y = area.y(scale, value)
        parts.append(tag("line", class_="grid", x1=area.left, x2=area.right, y1=y, y2=y))
        parts.append(tag("text", label, class_="tick end", x=area.left - 8, y=y + 4))
    parts.append(tag("text", scale.name, class_="name", x=4, y=area.top - 12))
    return parts


def legend(labels: Sequence[str], y: float, *, is_line: bool) -> list[Element]:
    """Name the series in one line, right-aligned."""
    parts: list[Element] = []
    x = WIDTH - 16.0 - sum(text_width(label) + 42.0 for label in labels)
    for series, label in enumerate(labels):
        if is_line:
            parts.append(
                tag("line", class_=f"curve s{series}", x1=x, x2=x + 22, y1=y - 4, y2=y - 4)
            )
        else:
            parts.append(marker(series, x + 11, y - 4))
        parts.append(tag("text", label, class_="tick", x=x + 28, y=y))
        x += text_width(label) + 42.0
    return parts


def marker(series: int, x: float, y: float, told: str | None = None) -> Element:
    """Return the mark of a series, another shape for each; ``told`` shows under a pointer."""
    note = None if told is None else tag("title", told)
    shape = f"mark s{series}"
    if series == 0:
        return tag("circle", note, class_=shape, cx=x, cy=y, r=_RADIUS)
    if series == 1:
        side = 2 * _RADIUS - 1
        return tag(
            "rect", note, class_=shape, x=x - side / 2, y=y - side / 2, width=side, height=side
        )
    reach = _RADIUS + 1
    corners = f"M{x:.2f} {y - reach:.2f}l{reach} {reach}l{-reach} {reach}l{-reach} {-reach}z"
    return tag("path", note, class_=shape, d=corners)
