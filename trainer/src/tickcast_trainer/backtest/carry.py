"""What was known last, where nothing new is known."""

import numpy as np
from numpy.typing import NDArray


def carry_forward(values: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``values`` (T, N) with each NaN replaced by the last value above it in its column.

    ``start`` (N,) stands above the first row; what is NaN there too stays NaN.
    """
    # int32, as an index for each value would else take as much memory as the values.
    row = np.arange(1, len(values) + 1, dtype=np.int32)[:, np.newaxis]
    source = np.maximum.accumulate(np.where(np.isnan(values), np.int32(0), row), axis=0)
    return np.take_along_axis(np.vstack([start, values]), source, axis=0)
