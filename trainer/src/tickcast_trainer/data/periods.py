"""Which partition a bar belongs to."""

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.timeframe import Timeframe

_DAY = 86_400


def periods_of(open_time: NDArray[np.int64], timeframe: Timeframe) -> NDArray[np.str_]:
    """Name the partition of each instant (n,): ``2012``, or ``2012-03`` for bars below a day."""
    unit = "Y" if timeframe.seconds >= _DAY else "M"
    return open_time.astype("datetime64[s]").astype(f"datetime64[{unit}]").astype(np.str_)
