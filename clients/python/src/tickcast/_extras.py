"""Libraries that come with an extra of this package, and are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import Any


def load(library: str, *, extra: str) -> Any:
    """The library. Raises `ImportError` with the command that installs it."""
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        raise ImportError(
            f"{library} is not installed, needed: pip install 'tickcast[{extra}]'", name=library
        ) from error
