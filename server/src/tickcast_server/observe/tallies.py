"""Counts and distributions that only the event loop writes.

prometheus_client's own take a lock, and walk the buckets, for each value: a third of what a
prediction from memory costs. Here a value is an addition, and a scrape copies what it finds. Where
processes share their metrics, what came since the last time is added to them now and then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import values
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_Child = TypeVar("_Child")
_Labels = tuple[str, ...]


class _Children(dict[_Labels, _Child], Generic[_Child]):
    """What is kept for each combination of labels, made when it is first asked for."""

    def __init__(
        self, make: Callable[[], _Child], share: Callable[[_Labels], Callable[[_Child], None]]
    ) -> None:
        """`share` gives, for labels, what adds a child's news to what processes share."""
        super().__init__()
        self._make = make
        self._share = share
        self._shared: dict[_Labels, Callable[[_Child], None]] = {}

    def __missing__(self, labels: _Labels) -> _Child:
        child = self[labels] = self._make()
        return child

    def remove(self, labels: _Labels) -> None:
        """Drops a child. What processes share of it stays."""
        self.pop(labels, None)
        self._shared.pop(labels, None)

    def publish(self) -> None:
        """Adds what came since the last time to what processes share."""
        for labels, child in self.items():
            catch_up = self._shared.get(labels)
            if catch_up is None:
                catch_up = self._shared[labels] = self._share(labels)
            catch_up(child)


class Count:
    """A number that grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        self.value += amount


class Distribution:
    """How many values fell into each bucket, and their sum."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` are the upper ends of the buckets, ascending; one more takes the rest."""
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def observe_all(self, values: NDArray[np.float64]) -> None:
        buckets = np.searchsorted(self._bounds, values)
        for bucket, count in enumerate(np.bincount(buckets).tolist()):
            self.counts[bucket] += count
        self.total += float(values.sum())


class Counts(Collector):
    """A counter, as Prometheus knows it, by labels."""

    def __init__(self, name: str, documentation: str, label_names: Sequence[str] = ()) -> None:
        self._name = name
        self._documentation = documentation
        self._label_names = tuple(label_names)
        self._children = _Children(Count, self._shared)

    def labels(self, *labels: str) -> Count:
        """The count of these label values, in the order of the names."""
        return self._children[labels]

    def remove(self, *labels: str) -> None:
        """Drops a count. What processes share of it stays."""
        self._children.remove(labels)

    def publish(self) -> None:
        """Adds what came since the last time to the metrics that processes share."""
        self._children.publish()

    def describe(self) -> Iterable[CounterMetricFamily]:
        return [self._family()]

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = self._family()
        for labels, child in list(self._children.items()):
            family.add_metric(labels, child.value)
        return [family]

    def _family(self) -> CounterMetricFamily:
        return CounterMetricFamily(self._name, self._documentation, labels=self._label_names)

    def _shared(self, labels: _Labels) -> Callable[[Count], None]:
        shared = _Shared(
            *("counter", self._name, f"{self._name}_total"),
            *(self._label_names, labels, self._documentation),
        )
        return lambda count: shared.catch_up(count.value)


class Distributions(Collector):
    """A histogram, as Prometheus knows it, by labels."""

    def __init__(
        self,
        name: str,
        documentation: str,
        label_names: Sequence[str] = (),
        *,
        bounds: Sequence[float],
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._label_names = tuple(label_names)
        self._buckets = [*map(floatToGoString, bounds), "+Inf"]
        self._children = _Children(lambda: Distribution(bounds), self._shared)

    def labels(self, *labels: str) -> Distribution:
        """The distribution of these label values, in the order of the names."""
        return self._children[labels]

    def remove(self, *labels: str) -> None:
        """Drops a distribution. What processes share of it stays."""
        self._children.remove(labels)

    def publish(self) -> None:
        """Adds what came since the last time to the metrics that processes share."""
        self._children.publish()

    def describe(self) -> Iterable[HistogramMetricFamily]:
        return [self._family()]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        family = self._family()
        for labels, child in list(self._children.items()):
            total = child.total
            running = accumulate(list(child.counts))
            buckets = zip(self._buckets, map(float, running), strict=True)
            family.add_metric(labels, list(buckets), total)
        return [family]

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self._label_names)

    def _shared(self, labels: _Labels) -> Callable[[Distribution], None]:
        bucket_names = (*self._label_names, "le")
        shared = _SharedDistribution(
            counts=[
                _Shared(
                    *("histogram", self._name, f"{self._name}_bucket"),
                    *(bucket_names, (*labels, bucket), self._documentation),
                )
                for bucket in self._buckets
            ],
            total=_Shared(
                *("histogram", self._name, f"{self._name}_sum"),
                *(self._label_names, labels, self._documentation),
            ),
        )
        return shared.catch_up


class _Shared:
    """What other processes see of a number that grows."""

    def __init__(
        self,
        kind: str,
        name: str,
        sample: str,
        label_names: Sequence[str],
        labels: _Labels,
        documentation: str,
    ) -> None:
        self._value = values.ValueClass(kind, name, sample, label_names, labels, documentation)
        self._seen = 0.0

    def catch_up(self, value: float) -> None:
        """Adds what `value` is more than the last time."""
        if value != self._seen:
            self._value.inc(value - self._seen)
            self._seen = value


class _SharedDistribution:
    def __init__(self, *, counts: Sequence[_Shared], total: _Shared) -> None:
        self._counts = counts
        self._total = total

    def catch_up(self, distribution: Distribution) -> None:
        for shared, count in zip(self._counts, distribution.counts, strict=True):
            shared.catch_up(count)
        self._total.catch_up(distribution.total)
