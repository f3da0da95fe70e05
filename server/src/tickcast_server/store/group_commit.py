"""Appends that come while others are under way go to the store together.

As databases write the commits of many transactions at once (DeWitt et al. 1984, "Implementation
techniques for main memory database systems"): the busier the server, the larger the groups, and the
less each bar costs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from tickcast_server.store.store import AppendResult, BarRow, SeriesKey

Batch = tuple[SeriesKey, Sequence[BarRow]]
Results = list[list[AppendResult]]

# Bars past which no further request joins a group: those in it wait for all of it.
_MOST_BARS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    batches: Sequence[Batch]
    bars: int
    waiting: asyncio.Future[Results]


class GroupCommit:
    """Appends for all callers. Used by one event loop."""

    def __init__(
        self,
        append: Callable[[Sequence[Batch]], Awaitable[Results]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        *,
        apart: float,
    ) -> None:
        """`append` stores batches of which several may be of one series, in their order.

        A group that had to wait begins `apart` seconds after the one before, or later.
        """
        self._append = append
        self._spawn = spawn
        self._apart = apart
        self._queue: deque[_Request] = deque()
        self._under_way = False
        self._began = 0.0

    async def append(self, batches: Sequence[Batch]) -> Results:
        """The results of each batch, in order. Raises what `append` raises for its group."""
        bars = sum(len(rows) for _, rows in batches)
        if bars >= _MOST_BARS:
            # A group of its own, which others need not wait for.
            return await self._append(batches)
        if not self._under_way:
            self._under_way = True
            try:
                return await self._begin(batches)
            finally:
                self._under_way = False
                self._go_on()
        request = _Request(batches, bars, asyncio.get_running_loop().create_future())
        self._queue.append(request)
        return await request.waiting

    def _go_on(self) -> None:
        if self._queue:
            self._under_way = True
            self._spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._queue:
                await asyncio.sleep(self._began + self._apart - asyncio.get_running_loop().time())
                await self._commit(self._next_group())
        finally:
            self._under_way = False
            # There are some when it was cancelled.
            for request in self._queue:
                request.waiting.cancel()
            self._queue.clear()

    async def _begin(self, batches: Sequence[Batch]) -> Results:
        self._began = asyncio.get_running_loop().time()
        return await self._append(batches)

    def _next_group(self) -> list[_Request]:
        group = [self._queue.popleft()]
        bars = group[0].bars
        while self._queue and bars + self._queue[0].bars <= _MOST_BARS:
            bars += self._queue[0].bars
            group.append(self._queue.popleft())
        return group

    async def _commit(self, group: Sequence[_Request]) -> None:
        joined = [batch for request in group for batch in request.batches]
        try:
            results = iter(await self._begin(joined))
        except asyncio.CancelledError:
            for request in group:
                request.waiting.cancel()
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, all who wait are told
            for request in group:
                if not request.waiting.done():
                    request.waiting.set_exception(error)
            return
        for request in group:
            own = [next(results) for _ in request.batches]
            # A caller that has left wants no answer; its bars are stored all the same.
            if not request.waiting.done():
                request.waiting.set_result(own)
