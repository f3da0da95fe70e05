"""How many unary calls may wait at a time, learnt from how long they do.

One event loop runs one call at a time, so that calls are under way together only where they wait
for the store. Those have a limit of their own here; whatever needs no wait is never refused.

Additive increase, multiplicative decrease: Chiu and Jain (1989), "Analysis of the increase and
decrease algorithms for congestion avoidance in computer networks", with a slow wait for a loss and
the constants of `AIMDLimit` in Netflix' concurrency-limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from tickcast_server.errors import ServerOverloaded

_BACKOFF = 0.9


class WaitObserver(Protocol):
    """Counts waits."""

    def waits_changed(self, waiting: int, limit: int) -> None: ...

    def wait_refused(self) -> None: ...


class Waits:
    """The calls that wait, and how many may. Used by one event loop."""

    def __init__(
        self,
        *,
        least: int,
        most: int,
        slow: float,
        observer: WaitObserver,
        timer: Callable[[], float],
    ) -> None:
        """Begins with `most`; a wait of more than `slow` seconds says that it is too many."""
        self._least = least
        self._most = most
        self._slow = slow
        self._observer = observer
        self._timer = timer
        self._limit = float(most)
        self._waiting = 0
        self._shrunk = timer()
        observer.waits_changed(0, most)

    @property
    def limit(self) -> int:
        """How many calls may wait now."""
        return int(self._limit)

    @contextmanager
    def one(self) -> Iterator[None]:
        """While a call waits. Raises `ServerOverloaded` at once when too many do."""
        if self._waiting >= self.limit:
            self._observer.wait_refused()
            raise ServerOverloaded(waiting=self._waiting, limit=self.limit)
        self._waiting += 1
        self._observer.waits_changed(self._waiting, self.limit)
        began = self._timer()
        try:
            yield
        finally:
            self._learn(began, self._timer())
            self._waiting -= 1
            self._observer.waits_changed(self._waiting, self.limit)

    def _learn(self, began: float, now: float) -> None:
        if now - began <= self._slow:
            # A limit that is not nearly used says nothing about a higher one.
            if self._waiting * 2 >= self._limit:
                self._limit = min(self._limit + 1, self._most)
        elif began >= self._shrunk:
            # Waits that began before the limit was lowered say nothing about the lower one.
            self._limit = max(self._limit * _BACKOFF, self._least)
            self._shrunk = now
