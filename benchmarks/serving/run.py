"""The whole suite, in an order in which quick and steady ones come first."""

from __future__ import annotations

import sys

from benchmarks.common.options import main
from benchmarks.serving import (
    batch,
    fanout,
    idle_streams,
    ingest,
    market,
    overload,
    predict,
    reload,
    soak,
    startup,
)

SUITE = (
    startup.run,
    predict.run,
    batch.run,
    overload.run,
    reload.run,
    ingest.run,
    market.run,
    fanout.run,
    idle_streams.run,
    soak.run,
)

if __name__ == "__main__":
    sys.exit(main(SUITE, "serving"))
