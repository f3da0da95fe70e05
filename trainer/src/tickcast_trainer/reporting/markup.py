"""Elements of a page: text is escaped, and every element that is opened is closed.

On the standard library's element tree, which writes HTML and the SVG inside it alike.
"""

from collections.abc import Iterable
from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

Child: TypeAlias = "Element | str | None"


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Element:
    """Return an element; ``None`` is left out, ``class_`` is ``class`` and ``_`` is ``-``."""
    made = Element(
        name,
        {
            key.rstrip("_").replace("_", "-"): _text(value)
            for key, value in attributes.items()
            if value is not None
        },
    )
    extend(made, children)
    return made


def extend(parent: Element, children: Iterable[Child]) -> None:
    """Add children, elements and text in their order."""
    last = parent[-1] if len(parent) else None
    for child in children:
        if isinstance(child, Element):
            parent.append(child)
            last = child
        elif child is not None and last is None:
            parent.text = (parent.text or "") + child
        elif child is not None and last is not None:
            last.tail = (last.tail or "") + child


def figure(value: float, form: str) -> Element:
    """Return a number as people read it, with all of its digits for programs.

    ``form`` is a format specification; with a percent sign after a ``g`` it counts the digits of
    the percentage, whatever its size.
    """
    shown = f"{100 * value:{form[:-1]}}%" if form.endswith("g%") else format(value, form)
    # A minus of its own is as wide as a plus, and read aloud.
    return tag("data", shown.replace("-", "\N{MINUS SIGN}"), value=repr(value))


def to_html(element: Element) -> str:
    """Return the text of an element and all that is in it."""
    return tostring(element, encoding="unicode", method="html")


def _text(value: str | float) -> str:
    # Coordinates: a hundredth of a pixel is more than anyone sees.
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
