"""Spans of OpenTelemetry for every call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tickcast._extras import load
from tickcast._interceptors import OutgoingCall, status_name

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


class Tracing:
    """An interceptor that makes a span of each call: needs `pip install 'tickcast[otel]'`.

    Attributes are those of the semantic conventions for RPC. The server learns of the trace by the
    propagators that the program has set, `traceparent` by default. A call that is sent again is one
    span; a stream is one for each time that it is opened.

    >>> with Client(client.target, interceptors=[Tracing()]) as traced:
    ...     traced.get_model("models/daily-ridge").newest_version
    'models/daily-ridge/versions/1'
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        """`tracer_provider` is that of the program when none is given. Raises `ImportError`."""
        self._propagate = load("opentelemetry.propagate", extra="otel")
        self._trace = load("opentelemetry.trace", extra="otel")
        self._tracer = self._trace.get_tracer("tickcast", tracer_provider=tracer_provider)

    @contextmanager
    def __call__(self, call: OutgoingCall) -> Iterator[None]:
        """Starts the span, and ends it with the code that the call ends with."""
        method = f"{call.service}/{call.method}"
        span = self._tracer.start_span(
            method,
            kind=self._trace.SpanKind.CLIENT,
            attributes={
                "rpc.system.name": "grpc",
                "rpc.method": method,
                **_server(call.target),
            },
        )
        # A stream ends where no context of its beginning is: the span is never the current one.
        context = self._trace.set_span_in_context(span)
        self._propagate.inject(call.metadata, context=context)
        status = "OK"
        try:
            yield
        except BaseException as error:
            status = status_name(error)
            span.set_attribute("error.type", getattr(error, "reason", "") or status)
            span.set_status(self._trace.StatusCode.ERROR, str(error))
            raise
        finally:
            span.set_attribute("rpc.response.status_code", status)
            span.end()


def _server(target: str) -> dict[str, str | int]:
    host, _, port = target.rpartition(":")
    if port.isdecimal() and "," not in host:
        return {"server.address": host, "server.port": int(port)}
    return {"server.address": target}
