"""Features that come with a request are numbers, every one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tickcast_server.errors import InvalidRequest, Violation

# Wrong numbers that are told of; where there is one, there are often many.
_TOLD = 20


def check_finite(rows: NDArray[np.float32], field: str, names: Sequence[str]) -> None:
    """Looks through rows (n, F) of the features with these names. Raises `InvalidRequest`."""
    finite = np.isfinite(rows)
    if finite.all():
        return
    raise InvalidRequest(
        [
            Violation(
                field=f"{field}[{row}][{column}]",
                description=f"was {rows[row, column]}, needed a finite number for {names[column]}",
                reason="FIELD_INVALID",
            )
            for row, column in np.argwhere(~finite)[:_TOLD].tolist()
        ]
    )
