"""What stands around every call: interceptors of one's own, traces and metrics."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry
from tickcast import (
    AsyncClient,
    DeadlineExceeded,
    Hedging,
    Interceptor,
    Metrics,
    ModelNotFound,
    OutgoingCall,
    TickcastError,
    Tracing,
)
from tickcast_server.app import App

from tests.asking import Connect
from tests.recording_server import Recording

LIST = "tickcast.v1.ModelService/ListModels"
GET = "tickcast.v1.ModelService/GetModel"
STREAM = "tickcast.v1.MarketDataService/StreamPrices"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_interceptors_stand_around_a_call_and_see_its_error(
    shared_server: App, connect: Connect
) -> None:
    seen: list[Any] = []

    @contextmanager
    def around(call: OutgoingCall) -> Iterator[None]:
        seen.append(f"{call.service}/{call.method}")
        try:
            yield
        except TickcastError as error:
            seen.append(error.reason)
            raise

    @contextmanager
    def inside(_: OutgoingCall) -> Iterator[None]:
        seen.append("inside")
        yield
        seen.append("answered")

    async with connect(shared_server.address, interceptors=[around, inside]) as ask:
        await ask("list_models")
        with pytest.raises(ModelNotFound):
            await ask("get_model", "models/none")
    assert seen == [LIST, "inside", "answered", GET, "inside", "MODEL_NOT_FOUND"]


async def test_what_an_interceptor_adds_is_sent(recording: Recording, connect: Connect) -> None:
    @contextmanager
    def named(call: OutgoingCall) -> Iterator[None]:
        assert "authorization" not in call.metadata
        call.metadata["x-desk"] = "7"
        yield

    async with connect(recording.address, interceptors=[named], token="secret") as ask:
        await ask("list_models")
    (call,) = recording.calls
    assert call.metadata["x-desk"] == "7"
    assert call.metadata["authorization"] == "Bearer secret"


async def test_a_call_is_a_span_that_the_server_is_told_of(
    recording: Recording, connect: Connect, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async with connect(recording.address, interceptors=[tracing]) as ask:
        await ask("list_models")
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind) == (LIST, SpanKind.CLIENT)
    host, _, port = recording.address.partition(":")
    assert attributes(span) == {
        "rpc.system.name": "grpc",
        "rpc.method": LIST,
        "rpc.response.status_code": "OK",
        "server.address": host,
        "server.port": int(port),
    }
    (call,) = recording.calls
    _, trace_id, span_id, _ = str(call.metadata["traceparent"]).split("-")
    assert int(trace_id, 16) == span.context.trace_id
    assert int(span_id, 16) == span.context.span_id


async def test_a_call_that_fails_is_a_span_with_its_reason(
    shared_server: App, connect: Connect, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async with connect(shared_server.address, interceptors=[tracing]) as ask:
        with pytest.raises(ModelNotFound):
            await ask("get_model", "models/none")
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span)["error.type"] == "MODEL_NOT_FOUND"
    assert attributes(span)["rpc.response.status_code"] == "NOT_FOUND"


async def test_calls_are_counted_by_method_and_code(
    shared_server: App, recording: Recording, connect: Connect
) -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    async with connect(shared_server.address, interceptors=[metrics]) as ask:
        await ask("list_models")
        await ask("list_models")
        with pytest.raises(ModelNotFound):
            await ask("get_model", "models/none")
    recording.held = 2
    hedging = Hedging(after=0.01)
    async with connect(recording.address, interceptors=[metrics], hedging=hedging) as ask:
        with pytest.raises(DeadlineExceeded):
            await ask("list_models", timeout=0.2)
    counted = {(GET, "NOT_FOUND"): 1, (LIST, "OK"): 2, (LIST, "DEADLINE_EXCEEDED"): 1}
    for (method, code), count in counted.items():
        labels = {"method": method, "code": code}
        for name in ("tickcast_client_calls_total", "tickcast_client_call_seconds_count"):
            assert registry.get_sample_value(name, labels) == count, (name, labels)


async def test_a_stream_is_a_call_from_its_opening_to_its_end(
    shared_server: App, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    registry = CollectorRegistry()

    def opened() -> float | None:
        return registry.get_sample_value("tickcast_client_streams_open", {"method": STREAM})

    interceptors: list[Interceptor] = [tracing, Metrics(registry)]
    async with AsyncClient(shared_server.address, interceptors=interceptors) as client:
        async with client.stream_prices("1d") as events:
            await anext(events)
            assert opened() == 1
            assert not exporter.get_finished_spans()
        assert opened() == 0
    (span,) = exporter.get_finished_spans()
    assert attributes(span)["rpc.response.status_code"] == "OK"
    labels = {"method": STREAM, "code": "OK"}
    assert registry.get_sample_value("tickcast_client_calls_total", labels) == 1


async def test_a_stream_that_cannot_be_opened_ends_with_its_error(
    shared_server: App, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async with AsyncClient(shared_server.address, interceptors=[tracing]) as client:
        with pytest.raises(ModelNotFound):
            await anext(client.stream_predictions("models/none"))
    (span,) = exporter.get_finished_spans()
    assert attributes(span)["error.type"] == "MODEL_NOT_FOUND"


@pytest.mark.parametrize(
    ("interceptor", "library", "extra"),
    [
        (Tracing, "opentelemetry", "otel"),
        (Metrics, "prometheus_client", "prometheus"),
    ],
)
def test_without_the_library_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, interceptor: Callable[[], Any], library: str, extra: str
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.setitem(sys.modules, module, None)
    message = rf"^{library} is not installed, needed: pip install 'tickcast\[{extra}\]'$"
    with pytest.raises(ImportError, match=message):
        interceptor()


def test_no_library_of_an_extra_is_loaded_before_it_is_used() -> None:
    script = "import sys, tickcast; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    extras = {"numpy", "opentelemetry", "pandas", "prometheus_client", "pyarrow"}
    assert not extras & set(loaded.stdout.decode().split())
