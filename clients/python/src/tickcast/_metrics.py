"""Metrics of the client for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tickcast._extras import load
from tickcast._interceptors import OutgoingCall, status_name

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

# From an answer out of memory to one that takes as long as a batch may.
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """An interceptor that counts and times calls: needs `pip install 'tickcast[prometheus]'`.

    Any number of clients may share one.

    >>> from prometheus_client import CollectorRegistry
    >>> registry = CollectorRegistry()
    >>> with Client(client.target, interceptors=[Metrics(registry)]) as measured:
    ...     model = measured.get_model("models/daily-ridge")
    >>> labels = {"method": "tickcast.v1.ModelService/GetModel", "code": "OK"}
    >>> registry.get_sample_value("tickcast_client_calls_total", labels)
    1.0
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """The metrics are in `registry`, or that of the program; it can hold them once.

        Raises `ImportError`.
        """
        library = load("prometheus_client", extra="prometheus")
        registry = registry or library.REGISTRY
        labels = ("method", "code")
        self._calls = library.Counter(
            "tickcast_client_calls", "Calls that have ended.", labels, registry=registry
        )
        self._seconds = library.Histogram(
            "tickcast_client_call_seconds",
            "Seconds that unary calls took, with all that was sent again.",
            labels,
            buckets=_SECONDS,
            registry=registry,
        )
        self._streams = library.Gauge(
            "tickcast_client_streams_open", "Open streams.", ("method",), registry=registry
        )

    @contextmanager
    def __call__(self, call: OutgoingCall) -> Iterator[None]:
        """Counts the call when it ends, under the code that it ends with."""
        method = f"{call.service}/{call.method}"
        began = time.perf_counter()
        status = "OK"
        if call.streaming:
            self._streams.labels(method).inc()
        try:
            yield
        except BaseException as error:
            status = status_name(error)
            raise
        finally:
            self._calls.labels(method, status).inc()
            if call.streaming:
                self._streams.labels(method).dec()
            else:
                self._seconds.labels(method, status).observe(time.perf_counter() - began)
