"""Instants in Parquet: UTC timestamps that any reader understands, whole seconds in our arrays."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# Parquet has no timestamps of seconds.
INSTANT = pa.timestamp("ms", tz="UTC")
_MILLISECONDS = 1000


def to_column(seconds: NDArray[np.int64] | Sequence[int]) -> pa.Array:
    """Return seconds since the Unix epoch as a column of timestamps."""
    return pa.array(np.asarray(seconds, dtype=np.int64) * _MILLISECONDS).cast(INSTANT)


def from_column(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a column of timestamps without nulls as seconds since the Unix epoch."""
    milliseconds = column.cast(pa.int64()).to_numpy()
    return np.asarray(milliseconds // _MILLISECONDS, dtype=np.int64)
