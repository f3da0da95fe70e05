"""A section of the page under its heading."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.markup import Child, tag


def section(key: str, heading: str, *children: Child) -> Element:
    """Return a section; ``key`` is another for each of a page."""
    title = tag("h2", heading, id=key)
    return tag("section", title, *children, aria_labelledby=key)
