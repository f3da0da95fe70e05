"""Tables and figures of the page: every one with a caption."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np

from tickcast_trainer.reporting.document import Estimate
from tickcast_trainer.reporting.markup import Child, figure, tag

Cell = Child
"""What stands in a cell; None leaves it empty."""

_RARE = 0.001
_MANY_ROWS = 20


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Element:
    """Return a table of at least one row, named by its first cell."""
    # Figures stand to the right, under each other; words to the left.
    kinds = [
        "words" if all(isinstance(cell, str) for cell in column) else None
        for column in zip(*rows, strict=True)
    ]
    head = [
        tag("th", heading, scope="col", class_=kind)
        for heading, kind in zip(headings, kinds, strict=True)
    ]
    body = [
        tag(
            "tr",
            tag("th", first, scope="row"),
            *(tag("td", cell, class_=kind) for cell, kind in zip(others, kinds[1:], strict=True)),
        )
        for first, *others in rows
    ]
    inner = tag(
        "table", tag("caption", caption), tag("thead", tag("tr", *head)), tag("tbody", *body)
    )
    # Wide tables scroll by themselves, also by keyboard.
    return tag("div", inner, class_="scroll", tabindex="0", role="group", aria_label=caption)


def long_table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Element:
    """Return a table that is to be unfolded when it has many rows."""
    found = table(caption, headings, rows)
    if len(rows) <= _MANY_ROWS:
        return found
    return tag("details", tag("summary", f"{caption}: {len(rows)} rows"), found)


def charted(chart: Element, *notes: Child, figures: Element | None = None) -> Element:
    """Return a chart with a caption under it, and the figures behind it to unfold."""
    unfolded = None
    if figures is not None:
        unfolded = tag("details", tag("summary", "The figures of this chart"), figures)
    # Read aloud already, as the title of the drawing.
    name = chart.findtext("title")
    title = tag("p", name, class_="title", aria_hidden="true")
    scroll = tag("div", chart, class_="scroll", tabindex="0", role="group", aria_label=name)
    return tag("figure", title, scroll, tag("figcaption", *notes), unfolded)


def estimate(found: Estimate | None, form: str) -> Element | None:
    """Return a figure with its interval in brackets."""
    if found is None:
        return None
    ends = (" (", figure(found.low, form), " to ", figure(found.high, form), ")")
    interval = tag("span", *ends, class_="interval")
    return tag("span", figure(found.value, form), interval, class_="estimate")


def optional(value: float | None, form: str) -> Element | None:
    """Return a figure, or nothing where there is none."""
    return None if value is None else figure(value, form)


def p_value(value: float | None) -> Element | None:
    """Return a p-value; nobody needs to know how small a small one is."""
    if value is not None and value < _RARE:
        return tag("data", f"below {_RARE}", value=repr(value))
    return optional(value, ".3f")


def day(seconds: int) -> Element:
    """Return an instant as a day, and as it is for programs."""
    return tag("time", day_text(seconds), datetime=f"{np.datetime64(seconds, 's')}Z")


def day_text(seconds: int) -> str:
    """Return the day of an instant."""
    return str(np.datetime64(seconds, "s").astype("datetime64[D]"))
