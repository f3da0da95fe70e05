"""Shows the examples of docstrings as code: an extension of griffe, which reads the docstrings."""

from __future__ import annotations

from typing import Any

import griffe

PROMPT = ">>> "


# mypy runs where griffe is not: it is in .venv-docs alone.
class Doctests(griffe.Extension):  # type: ignore[misc]
    """Fences every paragraph of a docstring that begins with a prompt."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each object that was read."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Text whose examples are blocks of Markdown."""
    return "\n\n".join(
        f"```pycon\n{paragraph}\n```" if paragraph.startswith(PROMPT) else paragraph
        for paragraph in text.split("\n\n")
    )
