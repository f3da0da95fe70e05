"""What becomes of bars that are sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tickcast._errors import TickcastError
from tickcast._types import StreamPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What became of one bar that was sent."""

    position: StreamPosition | None
    """Where the bar is stored. `None` when it was refused."""

    duplicate: bool
    """True when the bar was stored before, with the same values."""

    error: TickcastError | None
    """Why the bar is not stored. `None` when it is."""


class BarsRefused(TickcastError):
    """Some bars were not stored. Code, reason and violations are those of the first that was not.

    Bars that came after the request that held a refused one were not sent.
    """

    results: tuple[IngestResult, ...]
    """What became of each bar that was sent, in order. Those without an error are stored."""

    def __init__(self, results: Iterable[IngestResult], *, given: int) -> None:
        self.results = tuple(results)
        refused = [result.error for result in self.results if result.error is not None]
        first = refused[0]
        unsent = given - len(self.results)
        rest = f"; the last {unsent} were not sent" if unsent else ""
        super().__init__(
            f"{len(refused)} of {given} bars refused{rest}; the first: {first}",
            code=first.code,
            reason=first.reason,
            metadata=first.metadata,
            violations=first.violations,
            retry_after=first.retry_after,
            request_id=first.request_id,
        )
