"""Calls in a closed and in an open loop, and how long each took."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from tickcast._errors import TickcastError

Ask: TypeAlias = Callable[[], Awaitable[object]]
"""Makes one call and waits for its answer."""


def _numbers() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Load:
    """What became of the calls; times are seconds."""

    answered: array[float] = field(default_factory=_numbers)
    """Latency of each call that was answered."""

    late: array[float] = field(default_factory=_numbers)
    """How long after it was due each call was made; none where none is due at a time."""

    failed: Counter[str] = field(default_factory=Counter)
    """Calls that were refused or lost, by reason."""

    seconds: float = 0.0
    """From the first call to the last answer."""

    processor_seconds: float = 0.0
    """What this process used meanwhile, over all its threads."""

    @property
    def calls(self) -> int:
        """Answered or not."""
        return len(self.answered) + self.failed.total()


async def closed_loop(ask: Ask, *, concurrency: int, seconds: float) -> Load:
    """Keeps so many calls in flight: each is followed by another as soon as it has its answer."""
    load = Load()

    async def caller(until: float) -> None:
        while (begin := time.perf_counter()) < until:
            await _timed(ask, load, begin)

    async def run(begin: float) -> None:
        await asyncio.gather(*(caller(begin + seconds) for _ in range(concurrency)))

    return await _measured(load, run)


async def open_loop(ask: Ask, *, rate: float, seconds: float) -> Load:
    """Makes so many calls a second, whether the earlier ones are answered or not.

    Latency is counted from the moment at which a call was due. If it were counted from when the
    call was made, a server that stands still would delay the calls that should measure it, and
    look quick: the coordinated omission of Gil Tene, "How NOT to Measure Latency" (2013).
    """
    load = Load()

    async def run(begin: float) -> None:
        async with asyncio.TaskGroup() as calls:
            for number in range(int(rate * seconds)):
                due = begin + number / rate
                # Also when it is late: those that are under way need their turn.
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                load.late.append(time.perf_counter() - due)
                calls.create_task(_timed(ask, load, due))

    return await _measured(load, run)


async def _measured(load: Load, run: Callable[[float], Awaitable[None]]) -> Load:
    begin, processor = time.perf_counter(), time.process_time()
    await run(begin)
    load.seconds = time.perf_counter() - begin
    load.processor_seconds = time.process_time() - processor
    return load


async def _timed(ask: Ask, load: Load, begin: float) -> None:
    try:
        await ask()
    except TickcastError as error:
        load.failed[error.reason or error.code.name] += 1
    else:
        load.answered.append(time.perf_counter() - begin)
