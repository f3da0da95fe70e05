"""Keeps the workers: one store, one port, one page of metrics, one follower of the registry."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from prometheus_client import Counter, Gauge
from pydantic import SecretStr

from tickcast_server.app import (
    keep_running,
    open_store_url,
    registry_follower,
    server_certificates,
)
from tickcast_server.http.sockets import cannot_listen
from tickcast_server.observe.endpoint import metrics_served
from tickcast_server.observe.sharing import FOLDER_VARIABLE, forget_gauges, shared_registry
from tickcast_server.serving.registry.follower import RegistryStatus
from tickcast_server.settings import Settings, environment
from tickcast_server.workers.place import Place, WorkerNotReady
from tickcast_server.workers.port import reserved
from tickcast_server.workers.process import WorkerProcess

# What a worker needs beyond the grace time of its calls, to close everything.
_CLOSING_SECONDS = 5.0


class Supervisor:
    """A server of several processes: `start`, then `stop`, as for `App`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closing = AsyncExitStack()
        self._patience = settings.grace + _CLOSING_SECONDS
        self._places: list[Place] = []
        self._numbers: set[int] = set()
        self._workers: dict[int, WorkerProcess] = {}
        self._releasing: set[asyncio.Task[None]] = set()
        self._asked_to_renew = asyncio.Event()
        self._registry: RegistryStatus | None = None
        self._log = structlog.get_logger("tickcast.workers")
        self.address = ""
        self.http_address = ""
        self.metrics_address = ""

    @property
    def loaded_versions(self) -> list[str]:
        """Names of the versions that answer, as the first worker has them."""
        workers = [place.worker for place in self._places]
        return next((worker.loaded_versions for worker in workers if worker is not None), [])

    async def start(self) -> None:
        """Returns once every worker answers calls.

        Raises `WorkerNotReady` or one of `START_FAILURES`; `stop` must be called then as well.
        """
        settings = self._settings
        # Each worker reads them itself; what none of them could use is said once, and at once.
        server_certificates(settings.tls)
        self._folder = Path(self._closing.enter_context(TemporaryDirectory(prefix="tickcast-")))
        store = await open_store_url(settings, self._closing)
        self.address = self._closing.enter_context(reserved(settings.address))
        if settings.http_address:
            self.http_address = self._closing.enter_context(
                reserved(settings.http_address, cannot_listen)
            )
        if settings.registry_url is not None:
            follower = registry_follower(settings.registry_url, settings, self._registry_changed)
            # Before a worker looks at the folder, so that it starts with its models.
            await follower.sync()
            keep_running(follower.watch(), self._closing)
        died = await self._serve_metrics()
        self._of_worker = settings.model_copy(
            update={
                "address": self.address,
                "http_address": self.http_address,
                "metrics_address": "",
                "redis_url": SecretStr(store),
                "registry_url": None,
                "registry_models": (),
            }
        )
        self._closing.push_async_callback(self._end_workers)
        self._places = [
            Place(self._hire, patience=self._patience, died=died.inc)
            for _ in range(settings.workers)
        ]
        await self._fill()
        for place in self._places:
            keep_running(place.keep(), self._closing)
        keep_running(self._renew_when_asked(), self._closing)

    async def stop(self) -> None:
        """Ends every worker, each within the grace time, and closes everything."""
        await self._closing.aclose()

    def renew(self) -> None:
        """Has every worker replaced, one after the other, without a failed call."""
        self._asked_to_renew.set()

    async def _fill(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for place in self._places:
                    group.create_task(place.fill())
        except ExceptionGroup as errors:
            # One that did not start is enough to say, and to stop the others.
            raise errors.exceptions[0] from None

    async def _hire(self) -> WorkerProcess:
        number = next(number for number in count(1) if number not in self._numbers)
        self._numbers.add(number)
        variables = {**environment(), FOLDER_VARIABLE: str(self._folder)}
        try:
            worker = await WorkerProcess.start(number, self._of_worker, variables)
        except BaseException:
            self._numbers.discard(number)
            raise
        self._workers[number] = worker
        if self._registry is not None:
            worker.tell(self._registry)
        task = asyncio.create_task(self._release(worker))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)
        return worker

    async def _release(self, worker: WorkerProcess) -> None:
        await worker.ended()
        forget_gauges(self._folder, worker.number)
        del self._workers[worker.number]
        self._numbers.discard(worker.number)

    async def _end_workers(self) -> None:
        await asyncio.gather(*(worker.end(self._patience) for worker in self._workers.values()))
        await asyncio.gather(*self._releasing)

    async def _renew_when_asked(self) -> None:
        while True:
            await self._asked_to_renew.wait()
            self._asked_to_renew.clear()
            self._log.info("replacing every worker, one after the other")
            try:
                for place in self._places:
                    await place.replace()
            except (WorkerNotReady, OSError) as error:
                self._log.error(
                    "a new worker did not become ready; those that were not replaced yet go on",
                    cause=str(error),
                    action="correct what the new worker said, and send SIGHUP again",
                )
            else:
                self._log.info("every worker was replaced")

    async def _serve_metrics(self) -> Counter:
        registry = shared_registry(
            self._folder, lambda: [worker.pid for worker in list(self._workers.values())]
        )
        Gauge("tickcast_workers_ready", "Processes that serve.", registry=registry).set_function(
            lambda: sum(worker.serving for worker in list(self._workers.values()))
        )
        died = Counter(
            "tickcast_workers_died", "Processes that ended by themselves.", registry=registry
        )
        self.metrics_address = await self._closing.enter_async_context(
            metrics_served(self._settings.metrics_address, registry)
        )
        return died

    def _registry_changed(self, status: RegistryStatus) -> None:
        self._registry = status
        for worker in self._workers.values():
            worker.tell(status)
