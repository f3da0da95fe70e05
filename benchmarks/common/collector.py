"""Python's garbage collector, kept out of measurements."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Iterator[None]:
    """A client that keeps every arrival would else stand still now and then, for tens of ms."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
