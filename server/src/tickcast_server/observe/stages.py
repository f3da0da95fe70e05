"""Time of each stage of the calls to a model, as a histogram.

Not one of prometheus_client's own: those take a lock and walk their buckets for each value, and a
call has five. Only the event loop writes here; a scrape copies what it finds. Where processes share
their metrics, what came since the last time is added to them now and then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import values
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from tickcast_server.turn import Stage, Turn

_BOUNDS = (
    *(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001),
    *(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)
_LABELS = [*map(floatToGoString, _BOUNDS), "+Inf"]

_NAME = "tickcast_stage_seconds"
_HELP = "Time of calls to a model, by what it was spent on."
_LABEL_NAMES = ("model_version", "stage")


class StageSeconds(Collector):
    """`tickcast_stage_seconds`, by model version and stage."""

    def __init__(self) -> None:
        self._models: dict[str, list[_Buckets]] = {}
        self._published: dict[tuple[str, Stage], _Published] = {}

    def observe(self, turn: Turn) -> None:
        """Takes in every stage that the call went through."""
        model = self._models.get(turn.model_version)
        if model is None:
            model = self._models[turn.model_version] = [_Buckets() for _ in Stage]
        for buckets, spent in zip(model, turn.seconds, strict=True):
            if spent:
                buckets.counts[bisect_left(_BOUNDS, spent)] += 1
                buckets.total += spent

    def forget(self, version: str) -> None:
        """Drops a version's stages. What processes share of them stays."""
        self._models.pop(version, None)
        for stage in Stage:
            self._published.pop((version, stage), None)

    def publish(self) -> None:
        """Adds what came since the last time to the metrics that processes share."""
        for version, model in self._models.items():
            for stage, buckets in zip(Stage, model, strict=True):
                published = self._published.get((version, stage))
                if published is None:
                    published = self._published[version, stage] = _Published(version, stage)
                published.catch_up(buckets)

    def describe(self) -> Iterable[HistogramMetricFamily]:
        return [_family()]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        family = _family()
        for version, model in list(self._models.items()):
            for stage, buckets in zip(Stage, model, strict=True):
                total = buckets.total
                running = accumulate(list(buckets.counts))
                family.add_metric(
                    [version, stage.name.lower()],
                    [(label, float(count)) for label, count in zip(_LABELS, running, strict=True)],
                    total,
                )
        return [family]


class _Buckets:
    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * len(_LABELS)
        self.total = 0.0


class _Published:
    """What other processes see of one model's stage: the values of a histogram of theirs."""

    def __init__(self, version: str, stage: Stage) -> None:
        labels = (version, stage.name.lower())
        self._counts = [
            values.ValueClass(
                *("histogram", _NAME, f"{_NAME}_bucket"),
                *((*_LABEL_NAMES, "le"), (*labels, bound), _HELP),
            )
            for bound in _LABELS
        ]
        self._total = values.ValueClass(
            "histogram", _NAME, f"{_NAME}_sum", _LABEL_NAMES, labels, _HELP
        )
        self._seen = _Buckets()

    def catch_up(self, buckets: _Buckets) -> None:
        """Adds what `buckets` holds more than the last time."""
        seen = self._seen
        for index, count in enumerate(buckets.counts):
            if count != seen.counts[index]:
                self._counts[index].inc(count - seen.counts[index])
        self._total.inc(buckets.total - seen.total)
        seen.counts[:] = buckets.counts
        seen.total = buckets.total


def _family() -> HistogramMetricFamily:
    return HistogramMetricFamily(_NAME, _HELP, labels=_LABEL_NAMES)
