"""Builds the server from its settings: the one place where its parts are joined."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import structlog
from pydantic import SecretStr
from tickcast_modelkit.errors import InvalidFeatureFile

from tickcast_server.errors import StoreUnavailable
from tickcast_server.feeds.admission import Admission
from tickcast_server.feeds.fanout import Fanout
from tickcast_server.feeds.intake import Intake
from tickcast_server.feeds.streams import Streams
from tickcast_server.observe.endpoint import metrics_served
from tickcast_server.observe.metrics import Metrics
from tickcast_server.rpc.answers import Answers
from tickcast_server.rpc.features import FeatureServicer
from tickcast_server.rpc.handlers import InFlight, service_methods
from tickcast_server.rpc.health import Health
from tickcast_server.rpc.inference.servicer import InferenceServicer
from tickcast_server.rpc.inference.statistics import Statistics
from tickcast_server.rpc.listen import ALL_SERVICES, SERVICES, AddressInUse, bind, build_server
from tickcast_server.rpc.market_data import MarketDataServicer
from tickcast_server.rpc.models import ModelServicer
from tickcast_server.rpc.prediction import PredictionServicer
from tickcast_server.rpc.prediction_feed import PredictionFeed
from tickcast_server.rpc.price_feed import PriceFeed
from tickcast_server.rpc.published import Published
from tickcast_server.rpc.tls import Certificates, PemFiles
from tickcast_server.serving.batch_predictor import BatchPredictor
from tickcast_server.serving.batching import Batching, BatchLimit
from tickcast_server.serving.feature_sets import known_feature_sets
from tickcast_server.serving.inference import Inference
from tickcast_server.serving.matrix import MatrixPredictor
from tickcast_server.serving.models import Models
from tickcast_server.serving.predictor import Predictor
from tickcast_server.serving.registry.cache import RegistryCache
from tickcast_server.serving.registry.client import RegistryClient, authorization
from tickcast_server.serving.registry.follower import RegistryFollower, RegistryStatus
from tickcast_server.serving.repository import Repository
from tickcast_server.serving.staleness import AgeLimit, Staleness
from tickcast_server.settings import (
    AgeSettings,
    BatchLimitSettings,
    BatchSettings,
    Settings,
    StalenessSettings,
    TlsSettings,
)
from tickcast_server.store.embedded import EmbeddedStoreError, EmbeddedValkey
from tickcast_server.store.memory import Memory
from tickcast_server.store.redis_store import RedisStore
from tickcast_server.waits import Waits

if TYPE_CHECKING:
    from tickcast_server.http.serve import HttpServer

# Bars in memory beyond the longest window, for readers that are a little behind.
_SLACK = 256

START_FAILURES = (
    AddressInUse,
    EmbeddedStoreError,
    InvalidFeatureFile,
    StoreUnavailable,
    OSError,
)
"""What keeps a server from starting and says by its message what to do."""


# Answers take as long on their way, and the next calls after them.
_HOLD_SECONDS = 0.05

# From the decision to send a GOAWAY until it is there, with calls that still arrive.
_GOAWAY_SECONDS = 0.03


class App:
    """One server: `start`, then `stop`. What `start` opened, `stop` closes, in reverse order."""

    def __init__(self, settings: Settings, *, shared_port: bool = False) -> None:
        """`shared_port` lets other processes listen on the address as well."""
        self._settings = settings
        self._shared_port = shared_port
        self._closing = AsyncExitStack()
        self.address = ""
        self.http_address = ""
        self.metrics_address = ""
        self.models = Models()
        self.metrics = Metrics(stages=settings.metrics.stages)
        self.fanout = Fanout()
        self._health = Health(ALL_SERVICES)

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

        Raises `START_FAILURES`; `stop` must be called then as well.
        """
        settings, sets = self._settings, known_feature_sets(self._settings.features)
        certificates = server_certificates(settings.tls)
        store = await self._open_store()
        memory = Memory(
            store,
            active_feature_sets=self.models.active_feature_sets,
            bars_held=max(item.window for item in sets.values()) + _SLACK,
            retry_delay=0.5,
        )
        fanout = self.fanout
        health = self._health
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
            follower = registry_follower(settings.registry_url, settings, self.registry_changed)
            # Before the first look at the folder, so that a new server starts with its models.
            await follower.sync()
            keep_running(follower.watch(), self._closing)
        await repository.refresh()
        self._closing.push_async_callback(memory.stop)
        await memory.start()
        keep_running(repository.watch(), self._closing)
        in_flight = InFlight()
        streams = Streams(
            memory,
            fanout,
            Admission(
                most=settings.stream.most,
                most_of_client=settings.stream.most_of_client,
                most_of_connection=settings.stream.most_of_connection,
            ),
            limit=settings.stream.limit,
        )
        published = Published(most=settings.stream.shared, observer=self.metrics)
        staleness = _staleness(settings.staleness)
        batching = _batching(settings.batch, self.metrics)
        predictor = Predictor(
            self.models,
            memory,
            batching=batching,
            staleness=staleness,
            observer=self.metrics,
            now=time.time,
        )
        batches = BatchPredictor(
            self.models, memory, staleness=staleness, observer=self.metrics, now=time.time
        )
        servicers = {
            "tickcast.v1.PredictionService": PredictionServicer(
                predictor=predictor,
                batches=batches,
                matrices=MatrixPredictor(self.models, observer=self.metrics),
                answers=Answers(
                    self.models,
                    memory,
                    most=settings.answers.kept,
                    staleness=staleness,
                    observer=self.metrics,
                    now=time.time,
                ),
                models=self.models,
                feed=PredictionFeed(
                    batches=batches,
                    models=self.models,
                    memory=memory,
                    published=published,
                    observer=self.metrics,
                    now=time.time,
                ),
                streams=streams,
            ),
            "tickcast.v1.MarketDataService": MarketDataServicer(
                intake=Intake(memory, now=time.time),
                memory=memory,
                store=store,
                feed=PriceFeed(published=published, observer=self.metrics, now=time.time),
                streams=streams,
            ),
            "tickcast.v1.FeatureService": FeatureServicer(
                memory=memory,
                feature_sets=lambda: {**sets, **self.models.feature_sets()},
                now=time.time,
            ),
            "tickcast.v1.ModelService": ModelServicer(models=self.models),
            "inference.GRPCInferenceService": InferenceServicer(
                models=self.models,
                inference=Inference(
                    predictor=predictor, batches=batches, batching=batching, observer=self.metrics
                ),
                repository=repository,
                statistics=Statistics(),
                alone=not self._shared_port,
            ),
        }
        waits = Waits(
            least=settings.waits.least,
            most=settings.waits.most,
            slow=settings.waits.slow,
            observer=self.metrics,
            timer=time.perf_counter,
        )
        server = build_server(
            servicers,
            health=health,
            observer=self.metrics,
            in_flight=in_flight,
            waits=waits,
            shared_port=self._shared_port,
            calls_of_connection=settings.calls_of_connection,
        )
        self.metrics_address = await self._closing.enter_async_context(
            metrics_served(settings.metrics_address, self.metrics.registry)
        )
        port = bind(server, settings.address, certificates)
        self.address = f"{settings.address.rpartition(':')[0]}:{port}"
        http = await self._serve_http(servicers, in_flight, waits)
        await health.start()
        await server.start()
        self._closing.push_async_callback(
            partial(_drain, server, http, health, fanout, in_flight, settings.grace)
        )

    async def stop(self) -> None:
        """Finishes what runs, within the grace time, and closes everything."""
        await self._closing.aclose()

    def registry_changed(self, status: RegistryStatus) -> None:
        """Takes over how far the models are in step with the registry that is followed."""
        self._health.registry_changed(status)
        self.metrics.registry_changed(status)

    async def _serve_http(
        self, servicers: Mapping[str, object], in_flight: InFlight, waits: Waits
    ) -> HttpServer | None:
        settings = self._settings
        if not settings.http_address:
            return None
        # A sixth of a server's start and 15 MB, which one without HTTP is spared.
        from tickcast_server.http.application import http_application
        from tickcast_server.http.page import BUILT
        from tickcast_server.http.serve import HttpServer

        methods = {
            path: method
            for name, service in SERVICES.items()
            for path, method in service_methods(
                service, servicers[name], observer=self.metrics, in_flight=in_flight
            ).items()
        }
        http = await HttpServer.start(
            http_application(methods, waits=waits, origins=settings.http_cors, page=BUILT),
            settings.http_address,
            shared_port=self._shared_port,
            grace=settings.grace,
        )
        self.http_address = http.address
        return http

    async def _open_store(self) -> RedisStore:
        settings = self._settings
        store = RedisStore(
            await open_store_url(settings, self._closing),
            prefix=settings.store.prefix,
            retained_bars=settings.store.retained_bars,
            retained_events=settings.store.retained_events,
            timeout=settings.store.timeout,
            poll=1.0,
        )
        self._closing.push_async_callback(store.close)
        return store


def keep_running(work: Coroutine[Any, Any, None], closing: AsyncExitStack) -> None:
    """Runs `work` in the background until `closing` closes."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    closing.push_async_callback(end)


async def open_store_url(settings: Settings, closing: AsyncExitStack) -> str:
    """Address of the store: the one of the settings, or an embedded one that `closing` stops.

    Raises `EmbeddedStoreError`.
    """
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    embedded = EmbeddedValkey(settings.data / "valkey", fsync=settings.store.fsync)
    await asyncio.to_thread(embedded.start)
    closing.push_async_callback(partial(asyncio.to_thread, embedded.stop))
    return embedded.url


def registry_follower(
    url: str, settings: Settings, listener: Callable[[RegistryStatus], None]
) -> RegistryFollower:
    """What brings the models of the registry at `url` into the model repository."""
    access = settings.registry
    return RegistryFollower(
        RegistryClient(
            url=url,
            authorization=authorization(
                token=_secret(access.token),
                username=access.username,
                password=_secret(access.password),
            ),
            timeout=access.timeout,
        ),
        RegistryCache(settings.models),
        settings.registry_references,
        poll=access.poll,
        listeners=[listener],
    )


def server_certificates(settings: TlsSettings) -> Certificates | None:
    """What gRPC listens with; `None` for plain text. Raises `BadCertificate`."""
    if settings.certificate is None or settings.key is None:
        return None
    return Certificates(
        PemFiles(certificate=settings.certificate, key=settings.key, client_ca=settings.client_ca)
    )


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


def _batching(settings: BatchSettings, observer: Metrics) -> Batching:
    def limit(of: BatchLimitSettings) -> BatchLimit:
        return BatchLimit(most=of.most, delay=of.delay)

    by_model = {name: limit(own) for name, own in settings.models.items()}
    return Batching(limit(settings), by_model, observer=observer)


def _staleness(settings: StalenessSettings) -> Staleness:
    def limit(of: AgeSettings) -> AgeLimit:
        return AgeLimit(bars=of.bars, refuse=of.then == "refuse")

    return Staleness(limit(settings), {name: limit(own) for name, own in settings.models.items()})


async def _drain(
    server: grpc.aio.Server,
    http: HttpServer | None,
    health: Health,
    fanout: Fanout,
    in_flight: InFlight,
    grace: float,
) -> None:
    await health.stop()
    if http is not None:
        http.leave()
    # gRPC cancels what it has not handed over yet, and what comes before its GOAWAY has arrived.
    # Callers who wait for an answer meanwhile send nothing, and go elsewhere with the next call.
    with in_flight.held():
        await asyncio.sleep(_HOLD_SECONDS)
        stopping = asyncio.create_task(server.stop(grace))
        await asyncio.sleep(_GOAWAY_SECONDS)
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
    await stopping
    if http is not None:
        await http.closed()
