"""A second call for an answer that does not come, for the sake of the slowest answers.

gRPC's core, which Python uses, knows retries after an error, and no hedging.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

import grpc

Start: TypeAlias = Callable[[float], Any]
"""Begins the call on the next channel, with the seconds that it has."""

_MOST_SAVED = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """When a call that only asks is sent a second time, over another connection.

    The first answer counts, and the other call is cancelled. Raises `ValueError` for what makes no
    sense.

    >>> Hedging(after=0)
    Traceback (most recent call last):
    ValueError: hedging.after: was 0, needed more than 0 seconds
    """

    after: float
    """Seconds without an answer, best the 95th or 99th percentile of what answers take."""

    share: float = 0.1
    """Most calls that are sent a second time, as a share of all, so that a server that is slow
    because it is overloaded is not made slower. Up to ten are saved up."""

    def __post_init__(self) -> None:
        if not self.after > 0:
            raise ValueError(f"hedging.after: was {self.after}, needed more than 0 seconds")
        if not 0 < self.share <= 1:
            raise ValueError(f"hedging.share: was {self.share}, needed more than 0, at most 1")


class Hedges:
    """The hedging of one client, with what is left of its share."""

    def __init__(self, hedging: Hedging) -> None:
        self._hedging = hedging
        self._saved = 1.0
        self._lock = threading.Lock()

    def first_answer(self, start: Start, seconds: float) -> Any:
        """The answer of whichever call is first. Raises `grpc.RpcError`."""
        self._earn()
        deadline = time.monotonic() + seconds
        ended: SimpleQueue[Any] = SimpleQueue()
        calls: list[Any] = []

        def begin(seconds: float) -> None:
            calls.append(start(seconds))
            calls[-1].add_done_callback(ended.put)

        try:
            begin(seconds)
            try:
                first = ended.get(timeout=self._hedging.after)
            except Empty:
                if self._may_hedge():
                    begin(deadline - time.monotonic())
                first = ended.get()
            if len(calls) > 1 and first.code() is grpc.StatusCode.UNAVAILABLE:
                first = ended.get()
            if first.code() is not grpc.StatusCode.OK:
                raise first
            return first.result()
        finally:
            for call in calls:
                call.cancel()

    async def first_answer_async(self, start: Start, seconds: float) -> Any:
        """The same for calls of asyncio."""
        self._earn()
        deadline = time.monotonic() + seconds
        ended: asyncio.Queue[Any] = asyncio.Queue()
        calls: list[Any] = []

        def begin(seconds: float) -> None:
            calls.append(start(seconds))
            calls[-1].add_done_callback(ended.put_nowait)

        try:
            begin(seconds)
            try:
                async with asyncio.timeout(self._hedging.after):
                    first = await ended.get()
            except TimeoutError:
                if self._may_hedge():
                    begin(deadline - time.monotonic())
                first = await ended.get()
            if len(calls) > 1 and await first.code() is grpc.StatusCode.UNAVAILABLE:
                first = await ended.get()
            return await first
        finally:
            for call in calls:
                call.cancel()

    def _earn(self) -> None:
        with self._lock:
            self._saved = min(self._saved + self._hedging.share, _MOST_SAVED)

    def _may_hedge(self) -> bool:
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True
