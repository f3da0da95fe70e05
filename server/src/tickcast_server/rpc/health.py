"""grpc.health.v1 for each service, each model, and the store.

""                               SERVING until the shutdown begins
tickcast.v1.PredictionService    the same: predictions go on from memory without the store
tickcast.v1.FeatureService       the same
tickcast.v1.ModelService         the same
inference.GRPCInferenceService   the same
tickcast.v1.MarketDataService    NOT_SERVING while the store is away: bars cannot be stored
models/{model}                   SERVING while a version answers for it
models/{model}/versions/{n}      NOT_SERVING when its files were refused
registry                         NOT_SERVING while the registry that is followed is away
registry/{reference}             NOT_SERVING while what is followed, as m@champion, is not here
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from tickcast_server.serving.models import Catalogue
from tickcast_server.serving.registry.follower import RegistryStatus
from tickcast_server.store.store import SeriesKey

MARKET_DATA = "tickcast.v1.MarketDataService"

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class Health:
    """Keeps the health of everything that has a name."""

    def __init__(self, services: Iterable[str]) -> None:
        self.servicer = HealthServicer()
        self._services = ("", *services)
        self._models: set[str] = set()
        self._store_reachable = True
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Says that every service serves."""
        for service in self._services:
            serving = service != MARKET_DATA or self._store_reachable
            await self.servicer.set(service, _SERVING if serving else _NOT_SERVING)

    async def stop(self) -> None:
        """Says that nothing serves any more, to everybody who watches."""
        self._stopping = True
        await asyncio.gather(*self._tasks)
        await self.servicer.enter_graceful_shutdown()

    def models_changed(self, catalogue: Catalogue) -> None:
        """Takes over which models and versions answer."""
        states: dict[str, bool] = {}
        for entry in catalogue.values():
            states[f"models/{entry.name}"] = entry.default != 0
            for version in entry.versions.values():
                states[version.name] = version.failure is None
        for name in self._models - set(states):
            self._set(name, _UNKNOWN)
        for name, serving in states.items():
            self._set(name, _SERVING if serving else _NOT_SERVING)
        self._models = set(states)

    def registry_changed(self, status: RegistryStatus) -> None:
        """Takes over whether the registry answers, and what of it is here."""
        self._set("registry", _SERVING if status.unreachable is None else _NOT_SERVING)
        for reference, failure in status.failures.items():
            self._set(f"registry/{reference}", _SERVING if failure is None else _NOT_SERVING)

    def bars_changed(self, keys: Collection[SeriesKey]) -> None:
        """Bars change nobody's health."""

    def epoch_changed(self) -> None:
        """A replaced store is as healthy as the one before."""

    def store_reachable(self, reachable: bool) -> None:
        self._store_reachable = reachable
        self._set(MARKET_DATA, _SERVING if reachable else _NOT_SERVING)

    def _set(self, name: str, state: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        if self._stopping:
            return
        task = asyncio.create_task(self.servicer.set(name, state))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
