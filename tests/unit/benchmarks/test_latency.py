"""Percentiles, and latencies from when calls were due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.common.latency import Latency, from_intended


def test_percentiles_are_those_of_the_values() -> None:
    latency = Latency.of(range(1, 1_001))

    assert (latency.count, latency.p50, latency.p90) == (1_000, 500, 900)
    assert (latency.p99, latency.p999, latency.longest) == (990, 999, 1_000)


def test_nothing_measured_is_zero() -> None:
    assert Latency.of([]) == Latency(count=0, p50=0, p90=0, p99=0, p999=0, longest=0)


@given(st.lists(st.floats(1, 6e8), min_size=1))
def test_percentiles_are_within_a_thousandth_and_never_fall(values: list[float]) -> None:
    latency = Latency.of(values)

    found = [latency.p50, latency.p90, latency.p99, latency.p999, latency.longest]
    assert found == sorted(found)
    assert latency.longest == pytest.approx(int(max(values)), rel=1e-3)


def test_a_call_that_was_sent_when_it_was_due_has_its_own_latency() -> None:
    ended = [(0, 10.001), (1, 10.101)]

    assert from_intended(10.0, 10.0, ended) == pytest.approx([1_000, 1_000])


def test_a_sender_that_stood_still_does_not_hide_the_wait() -> None:
    # A thousand calls a second were due; the server stood still for a second, then answered all.
    ended = [(number, 1.0) for number in range(1_000)]

    corrected = Latency.of(from_intended(0.0, 1_000.0, ended))

    assert corrected.p50 == pytest.approx(500_000, rel=0.01)
    assert corrected.longest == pytest.approx(1_000_000, rel=0.01)
