"""One of the workers that a server is to have: filled again when its process ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from tickcast_server.workers.process import WorkerProcess

# A worker that has served for so long does not die of what killed the one before.
_STEADY_SECONDS = 60.0

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0

# At the start, where nobody is served yet, going on for ever would hide what is wrong.
_ATTEMPTS = 3


class WorkerNotReady(RuntimeError):
    """A new worker ended before it served. The message says how."""


class Place:
    """Holds one worker process after the other."""

    def __init__(
        self,
        hire: Callable[[], Awaitable[WorkerProcess]],
        *,
        patience: float,
        died: Callable[[], None],
    ) -> None:
        """`hire` starts a process; one that is to end has `patience` seconds for it.

        `died` is told of every process that ends without being asked to.
        """
        self._hire = hire
        self._patience = patience
        self._died = died
        self._changing = asyncio.Lock()
        self._log = structlog.get_logger("tickcast.workers")
        self.worker: WorkerProcess | None = None

    async def fill(self) -> None:
        """Returns once the first worker serves.

        Raises `WorkerNotReady` after a few attempts, or `OSError` when none can be started.
        """
        deaths = 0
        while True:
            worker = self.worker = await self._hire()
            if await self._became_ready(worker):
                return
            await worker.ended()
            deaths += 1
            if deaths == _ATTEMPTS:
                raise WorkerNotReady(
                    f"worker {worker.number} ended with {worker.ending} before it served, as "
                    f"{deaths - 1} before it; their own lines before this one say why"
                )
            await self._pause_after(worker, deaths)

    async def keep(self) -> None:
        """Fills the place again, for ever."""
        deaths = 0
        while True:
            worker = self.worker
            if worker is None:
                raise AssertionError("a place is filled before it is kept")
            await worker.ended()
            if worker is not self.worker:
                deaths = 0
                continue
            deaths = 1 if worker.served >= _STEADY_SECONDS else deaths + 1
            self._died()
            await self._pause_after(worker, deaths)
            async with self._changing:
                if worker is not self.worker:
                    continue
                fresh = self.worker = await self._hire_at_last()
            await self._became_ready(fresh)

    async def replace(self) -> None:
        """A new worker takes over, and the old one finishes its calls and ends.

        Raises `WorkerNotReady`, or `OSError` when none can be started; the old one goes on then.
        """
        fresh = await self._hire()
        if not await self._became_ready(fresh):
            await fresh.ended()
            raise WorkerNotReady(f"worker {fresh.number} ended with {fresh.ending}")
        async with self._changing:
            old, self.worker = self.worker, fresh
        if old is not None:
            await old.end(self._patience)

    async def _hire_at_last(self) -> WorkerProcess:
        while True:
            try:
                return await self._hire()
            except OSError as error:
                self._log.error(  # what the system lacks is no fault of ours
                    "a worker could not be started; it is tried again",
                    cause=str(error),
                    again_in_seconds=_LONGEST_PAUSE,
                    action="make room for it: memory, processes, open files",
                )
                await asyncio.sleep(_LONGEST_PAUSE)

    async def _became_ready(self, worker: WorkerProcess) -> bool:
        ready = await worker.ready()
        if ready:
            self._log.info("a worker serves", worker=worker.number, pid=worker.pid)
        return ready

    async def _pause_after(self, worker: WorkerProcess, deaths: int) -> None:
        pause = pause_after(deaths)
        self._log.error(
            "a worker ended by itself; another one takes its place",
            worker=worker.number,
            pid=worker.pid,
            ending=worker.ending,
            again_in_seconds=pause,
            action="none when you ended it; on SIGKILL look for a lack of memory, else report this "
            "with the worker's last lines",
        )
        await asyncio.sleep(pause)


def pause_after(deaths: int) -> float:
    """Seconds until the next attempt, after so many deaths that followed soon on each other."""
    if deaths <= 1:
        return 0.0
    return min(_FIRST_PAUSE * 2.0 ** min(deaths - 2, 16), _LONGEST_PAUSE)
