"""Lengths of time as people write them."""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_WRITTEN = re.compile(r"(?P<count>\d+(\.\d+)?)\s*(?P<unit>ms|s|m|h|)")


def seconds(text: str) -> float:
    """Seconds of "10s", "1.5m", "250ms" or "10". Raises `ValueError`."""
    found = _WRITTEN.fullmatch(text.strip())
    length = float(found["count"]) * _SECONDS[found["unit"]] if found else 0.0
    if length <= 0:
        raise ValueError(f"was {text!r}, needed a length of time such as 10s, 1.5m or 250ms")
    return length
