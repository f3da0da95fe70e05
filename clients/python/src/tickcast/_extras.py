"""Libraries that come with an extra of this package, and are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import Any


def load(module: str, *, extra: str) -> Any:
    """The module. Raises `ImportError` with the command that installs its library."""
    library = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in {module, library}:
            raise
        raise ImportError(
            f"{library} is not installed, needed: pip install 'tickcast[{extra}]'", name=library
        ) from error
