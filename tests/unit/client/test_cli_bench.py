"""A load test says what callers would have seen."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter

import grpc
import pytest
from tickcast import ServerUnavailable
from tickcast.cli.bench.load import Load, closed_loop, open_loop
from tickcast.cli.bench.report import report, words
from tickcast.cli.duration import seconds


class Server:
    """Answers at once, but for one call, which holds up all that come meanwhile."""

    def __init__(self, *, stalled_call: int, stall: float) -> None:
        self.calls = 0
        self._stalled_call = stalled_call
        self._stall = stall

    async def ask(self) -> None:
        self.calls += 1
        if self.calls == self._stalled_call:
            time.sleep(self._stall)  # noqa: ASYNC251  # the client stands still as well


async def refused() -> None:
    await asyncio.sleep(0)
    raise ServerUnavailable("away", code=grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN")


async def test_a_stall_counts_for_every_call_that_was_due_while_it_lasted() -> None:
    load = await open_loop(Server(stalled_call=10, stall=0.2).ask, rate=200, seconds=0.5)
    assert len(load.answered) == 100
    # The 40 calls that were due in those 0.2 s waited 0.1 s on average.
    assert sum(latency > 0.05 for latency in load.answered) >= 30
    assert max(load.late) > 0.15


async def test_a_closed_loop_keeps_so_many_calls_in_flight() -> None:
    flying, most = 0, 0

    async def ask() -> None:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        flying -= 1

    load = await closed_loop(ask, concurrency=7, seconds=0.05)
    assert most == 7
    assert load.calls == len(load.answered) >= 7


async def test_what_fails_is_counted_by_reason_and_has_no_latency() -> None:
    load = await open_loop(refused, rate=100, seconds=0.1)
    assert load.failed == Counter({"SHUTTING_DOWN": 10})
    assert not load.answered


def load(*, latencies: list[float], seconds: float = 1.0, processor: float = 0.1) -> Load:
    return Load(answered=array("d", latencies), seconds=seconds, processor_seconds=processor)


def test_percentiles_are_latencies_that_calls_had() -> None:
    found = report(
        load(latencies=[number / 1e3 for number in range(100, 0, -1)]),
        target="t",
        model="m",
        rows=0,
        concurrency=8,
        rate=None,
    )
    latency = found.latency_ms
    assert (latency.p50, latency.p90, latency.p99, latency.max) == (50.0, 90.0, 99.0, 100.0)
    assert found.calls_per_second == 100
    assert not found.client_was_the_limit


@pytest.mark.parametrize(("processor", "limit"), [(0.5, False), (0.95, True)])
def test_a_client_that_had_no_time_left_is_told_to_be_the_limit(
    processor: float, limit: bool
) -> None:
    measured = load(latencies=[0.001], processor=processor)
    found = report(measured, target="t", model="m", rows=10, concurrency=1, rate=None)
    assert found.client_was_the_limit is limit
    assert ("could not ask for more" in dict(words(found))["client"]) is limit
    assert "10 rows/s" in dict(words(found))["answered"]


def test_nothing_answered_is_no_latency() -> None:
    found = report(load(latencies=[]), target="t", model="m", rows=0, concurrency=1, rate=None)
    assert found.latency_ms.p99 is None
    assert "p99 -" in dict(words(found))["latency"]


@pytest.mark.parametrize(
    ("text", "length"), [("10s", 10), ("1.5m", 90), ("250ms", 0.25), ("2", 2), ("1h", 3600)]
)
def test_lengths_of_time_as_people_write_them(text: str, length: float) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "0s", "-1s", "soon", "10 days"])
def test_other_lengths_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needed a length of time such as 10s"):
        seconds(text)
