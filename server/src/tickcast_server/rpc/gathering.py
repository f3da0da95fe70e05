"""Calls that come one behind the other, answered one right after the other.

To answer a call is some dozen microseconds of work right after the same was done for another one.
Where gRPC's own work lies in between, and has emptied the processor's caches, it is three to four
times as many. So a call behind which others have come already waits for them a little.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from tickcast_server.turn import Stage, Turn

# A round of the event loop brings a call or two when many come, and takes microseconds when none
# does. With as many calls as this the caches are as warm as they get.
_ROUNDS = 16
_MOST = 16


class Arrivals:
    """The order in which calls have come."""

    def __init__(self) -> None:
        self._last = 0

    def add(self, turn: Turn) -> None:
        """Notes the newest call."""
        self._last += 1
        turn.arrival = self._last

    def after(self, turn: Turn) -> bool:
        """Whether calls have come behind this one."""
        return self._last > turn.arrival


class _Call(NamedTuple):
    data: bytes
    turn: Turn
    answered: asyncio.Future[bytes | None]


class Gathering:
    """Answers the calls of one method. Used by one event loop."""

    def __init__(
        self, answer: Callable[[bytes, Turn], bytes | None], *, arrivals: Arrivals
    ) -> None:
        """`answer` takes the bytes of a request. It waits for nothing: None where it had to."""
        self._answer = answer
        self._arrivals = arrivals
        self._calls: list[_Call] = []

    async def answer(self, data: bytes, turn: Turn) -> bytes | None:
        """What `answer` returns, or raises, for this request.

        At once for a call that is alone; the others go with those that come behind them.
        """
        if not (self._calls or self._arrivals.after(turn)):
            return self._answer(data, turn)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes | None] = loop.create_future()
        self._calls.append(_Call(data, turn, answered))
        if len(self._calls) == 1:
            loop.call_soon(self._wait, _ROUNDS)
        return await answered

    def _wait(self, rounds: int) -> None:
        if rounds and len(self._calls) < _MOST:
            asyncio.get_running_loop().call_soon(self._wait, rounds - 1)
            return
        calls, self._calls = self._calls, []
        for data, turn, answered in calls:
            # One that is done already was cancelled: its caller has gone.
            if answered.done():
                continue
            turn.end(Stage.QUEUE)
            try:
                answered.set_result(self._answer(data, turn))
            except Exception as error:  # noqa: BLE001  # whatever it is, the one who asked is told
                answered.set_exception(error)
