"""Who is asking: a bearer token with every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Token: TypeAlias = str | Callable[[], str]
"""A token, or what gives the one in force; asked before each call, so it must be quick."""


def authorization(token: Token) -> tuple[str, str]:
    """The metadata that carries the token. Raises `ValueError` for what cannot be sent."""
    text = token if isinstance(token, str) else token()
    if not (text and text.isascii() and text.isprintable()):
        # What is wrong with it may be all that is secret about it.
        raise ValueError("token: is empty or not printable ASCII, needed what a header can carry")
    return "authorization", f"Bearer {text}"
