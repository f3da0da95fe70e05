"""Latencies, and what a fixed rate does to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

_LONGEST_MICROSECONDS = 600_000_000
_DIGITS = 3


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Percentiles in microseconds, within a thousandth; zeros when nothing was measured."""

    count: int
    p50: float
    p90: float
    p99: float
    p999: float
    longest: float

    @staticmethod
    def of(microseconds: Iterable[float]) -> Latency:
        """Of each call's own latency."""
        histogram = HdrHistogram(1, _LONGEST_MICROSECONDS, _DIGITS)
        for value in microseconds:
            histogram.record_value(min(max(int(value), 1), _LONGEST_MICROSECONDS))
        return Latency(
            count=histogram.get_total_count(),
            p50=histogram.get_value_at_percentile(50),
            p90=histogram.get_value_at_percentile(90),
            p99=histogram.get_value_at_percentile(99),
            p999=histogram.get_value_at_percentile(99.9),
            longest=histogram.get_max_value(),
        )


def from_intended(begin: float, rate: float, ended: Iterable[tuple[int, float]]) -> list[float]:
    """Latencies in microseconds from the moments at which calls were due, not those of sending.

    `begin` and the ends are seconds of one clock, `rate` is calls a second, and a call is known by
    its number from 0 on. A sender that was late, because it or the server stood still, cannot hide
    the wait: the coordinated omission of Gil Tene, "How NOT to Measure Latency" (2013).
    """
    return [(end - (begin + number / rate)) * 1e6 for number, end in ended]
