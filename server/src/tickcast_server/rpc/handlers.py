"""Wraps every method of a service once, at registration.

Errors are mapped, calls counted and requests named here, not in interceptors: grpc.aio awaits each
interceptor on every call before it has even found the handler. A method that the contract names
and a servicer lacks fails at start-up.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

from tickcast_server.errors import InvalidRequest, TickcastError, Violation
from tickcast_server.rpc.status import internal_status, status_of

Context = grpc.aio.ServicerContext[Any, Any]

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class CallObserver(Protocol):
    """Counts calls. Told of each one's code, by its name in `grpc.StatusCode`."""

    def call_started(self, method: str, *, streaming: bool) -> None: ...

    def call_ended(self, method: str, code: str, seconds: float, *, streaming: bool) -> None: ...


class InFlight:
    """Counts the calls that run, so that a shutdown can wait for them."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __enter__(self) -> None:
        self._count += 1
        self._idle.clear()

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._idle.set()

    async def wait_idle(self) -> None:
        """Returns when no call runs."""
        await self._idle.wait()


def request_id_of(context: Context) -> str:
    """The caller's `x-request-id`, or a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == "x-request-id" and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return uuid.uuid4().hex


def service_handler(
    service: ServiceDescriptor, servicer: object, *, observer: CallObserver, in_flight: InFlight
) -> grpc.GenericRpcHandler:
    """The handlers of all methods of `service`, answered by the methods of `servicer`.

    Raises `AttributeError` for a method that the servicer lacks.
    """
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
    for method in service.methods:
        wrapper = _Method(method, getattr(servicer, _python_name(method)), observer, in_flight)
        if method.server_streaming:
            handlers[method.name] = grpc.unary_stream_rpc_method_handler(wrapper.stream)
        else:
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(wrapper.unary)
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def _python_name(method: MethodDescriptor) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()


class _Method:
    def __init__(
        self,
        method: MethodDescriptor,
        call: Callable[[Any, Context], Any],
        observer: CallObserver,
        in_flight: InFlight,
    ) -> None:
        self._name = f"{method.containing_service.full_name}/{method.name}"
        self._request = GetMessageClass(method.input_type)
        self._call = call
        self._observer = observer
        self._in_flight = in_flight
        self._log = structlog.get_logger("tickcast.rpc")

    async def unary(self, data: bytes, context: Context) -> bytes:
        call: Callable[[Message, Context], Awaitable[Message]] = self._call
        with self._in_flight:
            started = time.perf_counter()
            self._observer.call_started(self._name, streaming=False)
            code = "CANCELLED"
            status = None
            try:
                response = await call(self._parse(data), context)
                code = "OK"
                return response.SerializeToString()
            except Exception as error:  # noqa: BLE001  # all end here, and none is lost
                status = self._status(error, context)
                code = code_pb2.Code.Name(status.code)
            finally:
                seconds = time.perf_counter() - started
                self._observer.call_ended(self._name, code, seconds, streaming=False)
            return await _abort(context, status)

    async def stream(self, data: bytes, context: Context) -> AsyncIterator[bytes]:
        call: Callable[[Message, Context], AsyncGenerator[Message]] = self._call
        with self._in_flight:
            started = time.perf_counter()
            self._observer.call_started(self._name, streaming=True)
            code = "CANCELLED"
            status = None
            try:
                # Closed at once when the caller leaves, so that its subscription ends with it.
                async with aclosing(call(self._parse(data), context)) as responses:
                    async for response in responses:
                        yield response.SerializeToString()
                code = "OK"
            except Exception as error:  # noqa: BLE001  # all end here, and none is lost
                status = self._status(error, context)
                code = code_pb2.Code.Name(status.code)
            finally:
                seconds = time.perf_counter() - started
                self._observer.call_ended(self._name, code, seconds, streaming=True)
            if status is not None:
                await _abort(context, status)

    def _parse(self, data: bytes) -> Message:
        try:
            return self._request.FromString(data)
        except DecodeError as error:
            raise InvalidRequest(
                [
                    Violation(
                        field="request",
                        description=f"was {len(data)} bytes that are no message, "
                        f"needed a {self._request.DESCRIPTOR.full_name}",
                        reason="FIELD_INVALID",
                    )
                ]
            ) from error

    def _status(self, error: Exception, context: Context) -> status_pb2.Status:
        request_id = request_id_of(context)
        if isinstance(error, TickcastError):
            status = status_of(error, request_id=request_id)
            self._log.info(
                "call refused",
                method=self._name,
                code=code_pb2.Code.Name(status.code),
                cause=error.message,
                request_id=request_id,
            )
            return status
        self._log.error(
            "call failed",
            method=self._name,
            request_id=request_id,
            action="report this with the trace",
            exc_info=error,
        )
        return internal_status(request_id=request_id)


async def _abort(context: Context, status: status_pb2.Status) -> bytes:
    # Ends by raising: nothing may catch it between here and the library.
    await context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("unreachable")
