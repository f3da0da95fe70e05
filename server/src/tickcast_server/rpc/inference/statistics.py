"""What Triton's statistics extension counts, of each version, since this process began."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import add

from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import (
    InferStatistics,
    ModelStatistics,
    StatisticDuration,
)
from tickcast_server.turn import Stage, Turn

_NANOSECONDS = 1e9

# Triton's names of what a turn is spent on.
_STAGES: Mapping[str, tuple[Stage, ...]] = {
    "queue": (Stage.QUEUE,),
    "compute_input": (Stage.STORE, Stage.FEATURES),
    "compute_infer": (Stage.INFERENCE,),
    "compute_output": (Stage.ENCODING,),
}


@dataclass(slots=True, kw_only=True)
class _Count:
    requests: int = 0
    failures: int = 0
    rows: int = 0
    failed_seconds: float = 0.0
    seconds: list[float] = field(default_factory=lambda: [0.0] * len(Stage))
    """By stage, of answers."""

    last: float = 0.0
    """Seconds since the epoch."""


class Statistics:
    """Counts requests. Used by one event loop."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._counts: defaultdict[str, _Count] = defaultdict(_Count)

    def succeeded(self, version: str, rows: int, turn: Turn) -> None:
        """Counts an answer of a version, by its resource name, to a request of so many rows."""
        count = self._counts[version]
        count.requests += 1
        count.rows += rows
        count.last = self._now()
        count.seconds = list(map(add, count.seconds, turn.seconds))

    def failed(self, version: str, turn: Turn) -> None:
        """Counts a request that was refused."""
        count = self._counts[version]
        count.failures += 1
        count.failed_seconds += sum(turn.seconds)

    def of(self, name: str, version: str, resource: str) -> ModelStatistics:
        """The counts of one version, zero for one that nobody has asked."""
        count = self._counts.get(resource, _Count())
        return ModelStatistics(
            name=name,
            version=version,
            last_inference=int(count.last * 1_000),
            inference_count=count.rows,
            execution_count=count.requests,
            inference_stats=InferStatistics(
                success=_duration(count.requests, sum(count.seconds)),
                fail=_duration(count.failures, count.failed_seconds),
                **{
                    name: _duration(count.requests, sum(count.seconds[stage] for stage in stages))
                    for name, stages in _STAGES.items()
                },
            ),
        )


def _duration(count: int, seconds: float) -> StatisticDuration:
    return StatisticDuration(count=count, ns=int(seconds * _NANOSECONDS))
