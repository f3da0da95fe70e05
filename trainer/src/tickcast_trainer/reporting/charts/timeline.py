"""Stretches of time that were trained on and tested, fold below fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.frame import WIDTH, Area, Caption, bottom_axis, drawing
from tickcast_trainer.reporting.charts.scale import Scale
from tickcast_trainer.reporting.markup import tag

_ROW = 24.0
_BAR = 14.0
_MOST_ROWS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A fold, in seconds since the epoch."""

    label: str
    train: tuple[int, int]
    test: tuple[int, int]


def timeline(caption: Caption, x: Scale, stretches: Sequence[Stretch]) -> Element:
    """Draw one row for each fold; of more than can be told apart, those spread over all."""
    shown = stretches[:: -(-len(stretches) // _MOST_ROWS)]
    top = 32.0
    area = Area(left=64.0, right=WIDTH - 24.0, top=top, bottom=top + _ROW * len(shown))
    parts = [*bottom_axis(area, x), *_legend()]
    for place, one in enumerate(shown):
        y = top + _ROW * place + (_ROW - _BAR) / 2
        parts.append(tag("text", one.label, class_="tick end", x=area.left - 10, y=y + 11))
        for kind, (begin, end) in (("train", one.train), ("test", one.test)):
            left, right = area.x(x, begin), area.x(x, end)
            width = max(right - left, 1.0)
            parts.append(tag("rect", class_=kind, x=left, y=y, width=width, height=_BAR))
    return drawing(caption, area.bottom + 46.0, parts)


def _legend() -> list[Element]:
    parts = []
    for kind, label, x in (("train", "trained on", WIDTH - 220), ("test", "tested", WIDTH - 100)):
        parts.append(tag("rect", class_=kind, x=x, y=6, width=22, height=_BAR))
        parts.append(tag("text", label, class_="tick", x=x + 28, y=18))
    return parts
