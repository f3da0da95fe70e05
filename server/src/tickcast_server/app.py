"""Builds the server from its settings: the one place where its parts are joined."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

import grpc
import structlog
from prometheus_client import start_http_server
from pydantic import SecretStr

from tickcast_server.feeds.admission import Admission
from tickcast_server.feeds.fanout import Fanout
from tickcast_server.feeds.intake import Intake
from tickcast_server.feeds.streams import Streams
from tickcast_server.observe.metrics import Metrics
from tickcast_server.rpc.answers import Answers
from tickcast_server.rpc.features import FeatureServicer
from tickcast_server.rpc.handlers import InFlight
from tickcast_server.rpc.health import Health
from tickcast_server.rpc.listen import SERVICES, AddressInUse, bind, build_server
from tickcast_server.rpc.market_data import MarketDataServicer
from tickcast_server.rpc.models import ModelServicer
from tickcast_server.rpc.prediction import PredictionServicer
from tickcast_server.rpc.prediction_feed import PredictionFeed
from tickcast_server.rpc.price_feed import PriceFeed
from tickcast_server.rpc.published import Published
from tickcast_server.serving.feature_sets import known_feature_sets
from tickcast_server.serving.models import Models
from tickcast_server.serving.predictor import Predictor
from tickcast_server.serving.registry.cache import RegistryCache
from tickcast_server.serving.registry.client import RegistryClient, authorization
from tickcast_server.serving.registry.follower import RegistryFollower
from tickcast_server.serving.repository import Repository
from tickcast_server.settings import Settings
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.store.memory import Memory
from tickcast_server.store.redis_store import RedisStore
from tickcast_server.waits import Waits

# Bars in memory beyond the longest window, for readers that are a little behind.
_SLACK = 256


class App:
    """One server: `start`, then `stop`. What `start` opened, `stop` closes, in reverse order."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closing = AsyncExitStack()
        self.address = ""
        self.metrics_address = ""
        self.models = Models()
        self.metrics = Metrics(stages=settings.metrics.stages)
        self.fanout = Fanout()

    @property
    def loaded_versions(self) -> list[str]:
        """Names of the versions that answer."""
        return [
            version.name
            for entry in self.models.catalogue.values()
            for version in entry.versions.values()
            if version.loaded is not None
        ]

    async def start(self) -> None:
        """Returns once every model is loaded and calls are answered.

        Raises `AddressInUse`, `EmbeddedStoreError`, `StoreUnavailable`, `InvalidFeatureFile` or
        `OSError`; `stop` must be called then as well.
        """
        settings, sets = self._settings, known_feature_sets(self._settings.features)
        store = await self._open_store()
        memory = Memory(
            store,
            active_feature_sets=self.models.active_feature_sets,
            bars_held=max(item.window for item in sets.values()) + _SLACK,
            retry_delay=0.5,
        )
        fanout = self.fanout
        health = Health(SERVICES)
        for listener in (fanout, health, self.metrics):
            memory.add_listener(listener)
        repository = Repository(
            settings.models,
            self.models,
            feature_sets=sets,
            threads=settings.model.threads,
            poll=settings.model.poll,
            now=time.time,
            listeners=[health.models_changed, self.metrics.models_changed],
        )
        if settings.registry_url is not None:
            await self._follow_registry(settings.registry_url, health)
        await repository.refresh()
        self._closing.push_async_callback(memory.stop)
        await memory.start()
        self._keep_running(repository.watch())
        in_flight = InFlight()
        streams = Streams(
            memory,
            fanout,
            Admission(most=settings.stream.most, most_of_client=settings.stream.most_of_client),
            limit=settings.stream.limit,
        )
        published = Published(most=settings.stream.shared, observer=self.metrics)
        predictor = Predictor(self.models, memory, observer=self.metrics, now=time.time)
        server = build_server(
            {
                "tickcast.v1.PredictionService": PredictionServicer(
                    predictor=predictor,
                    answers=Answers(
                        self.models,
                        memory,
                        most=settings.answers.kept,
                        observer=self.metrics,
                        now=time.time,
                    ),
                    models=self.models,
                    feed=PredictionFeed(
                        predictor=predictor,
                        models=self.models,
                        memory=memory,
                        published=published,
                        now=time.time,
                    ),
                    streams=streams,
                ),
                "tickcast.v1.MarketDataService": MarketDataServicer(
                    intake=Intake(memory, now=time.time),
                    memory=memory,
                    store=store,
                    feed=PriceFeed(published=published, now=time.time),
                    streams=streams,
                ),
                "tickcast.v1.FeatureService": FeatureServicer(
                    memory=memory,
                    feature_sets=lambda: {**sets, **self.models.feature_sets()},
                    now=time.time,
                ),
                "tickcast.v1.ModelService": ModelServicer(models=self.models),
            },
            health=health,
            observer=self.metrics,
            in_flight=in_flight,
            waits=Waits(
                least=settings.waits.least,
                most=settings.waits.most,
                slow=settings.waits.slow,
                observer=self.metrics,
                timer=time.perf_counter,
            ),
        )
        self._serve_metrics()
        port = bind(server, settings.address)
        self.address = f"{settings.address.rpartition(':')[0]}:{port}"
        await health.start()
        await server.start()
        self._closing.push_async_callback(
            partial(_drain, server, health, fanout, in_flight, settings.grace)
        )

    async def stop(self) -> None:
        """Finishes what runs, within the grace time, and closes everything."""
        await self._closing.aclose()

    async def _follow_registry(self, url: str, health: Health) -> None:
        settings = self._settings.registry
        follower = RegistryFollower(
            RegistryClient(
                url=url,
                authorization=authorization(
                    token=_secret(settings.token),
                    username=settings.username,
                    password=_secret(settings.password),
                ),
                timeout=settings.timeout,
            ),
            RegistryCache(self._settings.models),
            self._settings.registry_references,
            poll=settings.poll,
            listeners=[health.registry_changed, self.metrics.registry_changed],
        )
        # Before the first look at the folder, so that a new server starts with its models.
        await follower.sync()
        self._keep_running(follower.watch())

    async def _open_store(self) -> RedisStore:
        settings = self._settings
        if settings.redis_url is not None:
            url = settings.redis_url.get_secret_value()
        else:
            embedded = EmbeddedValkey(settings.data / "valkey", fsync=settings.store.fsync)
            await asyncio.to_thread(embedded.start)
            self._closing.push_async_callback(partial(asyncio.to_thread, embedded.stop))
            url = embedded.url
        store = RedisStore(
            url,
            prefix=settings.store.prefix,
            retained_bars=settings.store.retained_bars,
            retained_events=settings.store.retained_events,
            timeout=settings.store.timeout,
            poll=1.0,
        )
        self._closing.push_async_callback(store.close)
        return store

    def _serve_metrics(self) -> None:
        if not self._settings.metrics_address:
            return
        host, _, port = self._settings.metrics_address.rpartition(":")
        try:
            server, thread = start_http_server(int(port), host, registry=self.metrics.registry)
        except OSError as error:
            raise AddressInUse(
                f"the metrics address {self._settings.metrics_address} cannot be listened on: "
                f"{error}; set TICKCAST_METRICS_ADDRESS to another one, or to nothing"
            ) from error
        self.metrics_address = f"{host}:{server.server_port}"

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._closing.push_async_callback(partial(asyncio.to_thread, close))

    def _keep_running(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)

        async def end() -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        self._closing.push_async_callback(end)


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


async def _drain(
    server: grpc.aio.Server, health: Health, fanout: Fanout, in_flight: InFlight, grace: float
) -> None:
    await health.stop()
    fanout.close()
    try:
        async with asyncio.timeout(grace):
            await in_flight.wait_idle()
    except TimeoutError:
        structlog.get_logger("tickcast.server").warning(
            "calls were cut off at the end of the grace time",
            action="set TICKCAST_GRACE higher when calls need longer",
        )
    # What is left now are watchers of health, who were told, and reflection.
    await server.stop(0.1)
