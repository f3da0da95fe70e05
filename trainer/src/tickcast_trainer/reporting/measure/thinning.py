"""As many points of a long curve as an eye can tell apart."""

import numpy as np


def spread(count: int, most: int) -> list[int]:
    """Return up to ``most`` indices below ``count``, evenly spread, the first and last included."""
    spread_out: list[int] = np.linspace(0, count - 1, min(count, most)).astype(int).tolist()
    return spread_out
