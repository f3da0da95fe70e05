"""One worker process, as the supervisor sees it."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

import structlog

from tickcast_server.serving.registry.follower import RegistryStatus
from tickcast_server.settings import Settings
from tickcast_server.workers.channel import Assignment, Channel, Ready


class WorkerProcess:
    """A worker from its start to its end."""

    def __init__(self, number: int, process: Process, channel: Channel) -> None:
        self.number = number
        self.loaded_versions: list[str] = []
        self._process = process
        self._channel = channel
        self._ready_since: float | None = None
        self._heard: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, number: int, settings: Settings, environment: Mapping[str, str]) -> Self:
        """Starts one that serves by these settings. It is not ready yet. Raises `OSError`."""
        ours, theirs = socket.socketpair()
        channel = await Channel.over(ours)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tickcast_server.workers.worker", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=DEVNULL,
                env=environment,
                # A session of its own, so that Ctrl-C reaches it through the supervisor, in order.
                start_new_session=True,
            )
        except BaseException:
            channel.close()
            raise
        finally:
            theirs.close()
        channel.send(Assignment(number=number, settings=settings.revealed()))
        return cls(number, process, channel)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def serving(self) -> bool:
        """Whether it has become ready and still runs."""
        return self._ready_since is not None and self._process.returncode is None

    @property
    def served(self) -> float:
        """Seconds since it became ready; 0 while it is not."""
        return 0.0 if self._ready_since is None else time.monotonic() - self._ready_since

    @property
    def ending(self) -> str:
        """How it has ended, for people."""
        code = self._process.returncode
        if code is None:
            return "has not ended"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def tell(self, status: RegistryStatus) -> None:
        """Has it say this of the registry."""
        self._channel.send(status)

    async def ready(self) -> bool:
        """Waits until it serves; False when it ends before."""
        return await asyncio.shield(self._heard)

    async def ended(self) -> None:
        """Waits for its end."""
        await self._process.wait()
        await self._listening

    async def end(self, within: float) -> None:
        """Has it finish its calls and end; kills it after `within` seconds."""
        with suppress(ProcessLookupError):
            if self.serving:
                self._process.terminate()
            else:
                # It has no calls to finish, and may be long in loading models.
                self._process.kill()
        try:
            async with asyncio.timeout(within):
                await self.ended()
        except TimeoutError:
            structlog.get_logger("tickcast.workers").error(
                "a worker did not end in time and was killed",
                worker=self.number,
                action="report this with the worker's last lines",
            )
            self._process.kill()
            await self.ended()

    async def _listen(self) -> None:
        async for message in self._channel.messages():
            if isinstance(message, Ready):
                self.loaded_versions = message.loaded_versions
                self._ready_since = time.monotonic()
                self._heard.set_result(True)
        if not self._heard.done():
            self._heard.set_result(False)
        self._channel.close()
