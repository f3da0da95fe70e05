"""Wraps every method of a service once, at registration.

Errors are mapped, calls counted and requests named here, not in interceptors: grpc.aio awaits each
interceptor on every call before it has even found the handler. A method that the contract names
and a servicer lacks fails at start-up.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
)
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

from tickcast_server.errors import TickcastError
from tickcast_server.rpc.call import Call, Context, Metadata
from tickcast_server.rpc.form import BINARY, Form
from tickcast_server.rpc.gathering import Arrivals, Gathering
from tickcast_server.rpc.status import internal_status, status_of
from tickcast_server.rpc.timing import TIMING, timing_metadata
from tickcast_server.turn import Loss, NobodyWaits, Stage, Turn
from tickcast_server.waits import Waits

# Of a unary call, for its handler: one made for each call would cost as much as most calls do.
_ARRIVED: ContextVar[tuple[Metadata, Turn]] = ContextVar("tickcast_arrived")

_LOST = {Loss.DEADLINE: code_pb2.DEADLINE_EXCEEDED, Loss.CANCELLED: code_pb2.CANCELLED}


class CallObserver(Protocol):
    """Counts calls. Told of each one's code, by its name in `grpc.StatusCode`."""

    def call_ended(self, method: str, code: str, seconds: float) -> None: ...

    def stream_opened(self, method: str) -> None: ...

    def stream_closed(self, method: str, code: str) -> None: ...

    def call_lost(self, method: str, loss: Loss) -> None: ...

    def stages_ended(self, turn: Turn) -> None: ...


class InFlight:
    """Counts the calls that run, so that a shutdown can wait for them, and holds back new ones."""

    def __init__(self) -> None:
        self._count = 0
        self._awaited = False
        self._idle = asyncio.Event()
        self._released = asyncio.Event()
        self._released.set()
        self.holding = False
        """Whether unary calls are held back before they begin."""

    def __enter__(self) -> None:
        self._count += 1

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if self._awaited and not self._count:
            self._idle.set()

    async def wait_idle(self) -> None:
        """Returns when no call runs."""
        self._awaited = True
        while self._count:
            self._idle.clear()
            await self._idle.wait()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While new unary calls are held back; they go on at the end."""
        self.holding = True
        self._released.clear()
        try:
            yield
        finally:
            self.holding = False
            self._released.set()

    async def wait_released(self) -> None:
        """Returns when calls are not held back."""
        await self._released.wait()


def service_handler(
    service: ServiceDescriptor,
    servicer: object,
    *,
    observer: CallObserver,
    in_flight: InFlight,
    waits: Waits,
    without: Collection[str] = (),
) -> grpc.GenericRpcHandler:
    """The handlers of all methods of `service`, answered by the methods of `servicer`.

    Those named in `without` are UNIMPLEMENTED. Raises `AttributeError` for a method that the
    servicer lacks.
    """
    arrivals = Arrivals()
    methods = service_methods(
        service,
        servicer,
        observer=observer,
        in_flight=in_flight,
        arrivals=arrivals,
        without=without,
    )
    return _Service(methods, waits, arrivals)


def service_methods(
    service: ServiceDescriptor,
    servicer: object,
    *,
    observer: CallObserver,
    in_flight: InFlight,
    arrivals: Arrivals | None = None,
    without: Collection[str] = (),
) -> Mapping[str, Method]:
    """The methods of `service` by path, for example `/tickcast.v1.ModelService/GetModel`.

    Beside the method of a unary call, a servicer may have one whose name ends in `_at_once`, which
    takes the bytes of the request and the turn. It is asked first, and waits for nothing: what
    cannot be answered without is None.

    Raises `AttributeError` for a method that the servicer lacks.
    """
    arrivals = arrivals or Arrivals()
    methods = []
    for method in service.methods:
        if method.name not in without:
            name = _python_name(method)
            call, at_once = getattr(servicer, name), getattr(servicer, f"{name}_at_once", None)
            gathering = at_once and Gathering(_in_bytes(at_once), arrivals=arrivals)
            methods.append(Method(method, call, gathering, observer, in_flight))
    return {f"/{method.name}": method for method in methods}


def _in_bytes(
    answer: Callable[[bytes, Turn], Message | None],
) -> Callable[[bytes, Turn], bytes | None]:
    def in_bytes(data: bytes, turn: Turn) -> bytes | None:
        message = answer(data, turn)
        return None if message is None else BINARY.write(message)

    return in_bytes


class _Service(grpc.GenericRpcHandler):
    """Finds the method of a call: the first that is heard of it, before its message is read."""

    def __init__(self, methods: Mapping[str, Method], waits: Waits, arrivals: Arrivals) -> None:
        self._methods = methods
        self._waits = waits
        self._arrivals = arrivals

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        method = self._methods.get(handler_call_details.method)
        if method is None:
            return None
        turn = Turn(self._waits.one)
        self._arrivals.add(turn)
        return method.handler(handler_call_details.invocation_metadata, turn)


def _python_name(method: MethodDescriptor) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()


@dataclass(slots=True)
class _End:
    """How a stream ended."""

    call: Call
    """What was being answered."""

    status: status_pb2.Status | None = None
    """None where nothing went wrong."""


class Method:
    """One method, whatever protocol a call of it came by."""

    def __init__(
        self,
        method: MethodDescriptor,
        call: Callable[[Any, Call], Any],
        gathering: Gathering | None,
        observer: CallObserver,
        in_flight: InFlight,
    ) -> None:
        self.name = f"{method.containing_service.full_name}/{method.name}"
        self.streaming = method.server_streaming
        self._exchanging = method.client_streaming
        self._request = GetMessageClass(method.input_type)
        self._response = GetMessageClass(method.output_type)
        self._call = call
        self._gathering = gathering
        self._observer = observer
        self._in_flight = in_flight
        self._log = structlog.get_logger("tickcast.rpc")
        self._unary_handler: grpc.RpcMethodHandler[bytes, bytes] = (
            grpc.unary_unary_rpc_method_handler(self._unary_arrived)
        )

    def handler(self, metadata: Metadata, turn: Turn) -> grpc.RpcMethodHandler[bytes, bytes]:
        """What answers this one call, in the task that asks for it here."""
        if self._exchanging:
            return grpc.stream_stream_rpc_method_handler(partial(self.exchange, metadata, turn))
        if self.streaming:
            return grpc.unary_stream_rpc_method_handler(partial(self.stream, metadata, turn))
        _ARRIVED.set((metadata, turn))
        return self._unary_handler

    async def _unary_arrived(self, data: bytes, context: Context) -> bytes:
        metadata, turn = _ARRIVED.get()
        return await self.unary(metadata, turn, data, context)

    async def unary(
        self,
        metadata: Metadata,
        turn: Turn,
        data: bytes,
        context: Context,
        form: Form = BINARY,
    ) -> bytes:
        """The answer to the request in `data`, both in this form."""
        answer: Callable[[Message, Call], Awaitable[Message]] = self._call
        turn.end(Stage.QUEUE)
        call = Call(context, metadata, turn)
        code, status = "CANCELLED", None
        with self._in_flight:
            try:
                if self._in_flight.holding:
                    await self._in_flight.wait_released()
                turn.check()
                response = None
                if self._gathering is not None and form is BINARY:
                    response = await self._gathering.answer(data, turn)
                if response is None:
                    response = form.write(await answer(form.read(data, self._request), call))
                turn.end(Stage.ENCODING)
                self._tell(turn, call, context)
                code = "OK"
            except asyncio.CancelledError:
                # The library ends what waits, by its task, when the deadline passes as well.
                self._observer.call_lost(self.name, call.loss() or Loss.CANCELLED)
                raise
            except NobodyWaits as error:
                self._observer.call_lost(self.name, error.loss)
                status = _lost(error.loss)
                code = code_pb2.Code.Name(status.code)
            except Exception as error:  # noqa: BLE001  # all end here, and none is lost
                status = self._status(error, call)
                code = code_pb2.Code.Name(status.code)
            else:
                return response
            finally:
                self._observer.call_ended(self.name, code, turn.age)
            return await _abort(context, status)

    async def stream(
        self,
        metadata: Metadata,
        turn: Turn,
        data: bytes,
        context: Context,
        form: Form = BINARY,
    ) -> AsyncGenerator[bytes]:
        """The answers to the request in `data`, all in this form."""
        answers: Callable[[Message, Call], AsyncGenerator[bytes]] = self._call
        call = Call(context, metadata, turn)
        with self._in_flight:
            with self._counted_stream(call) as end:
                # Closed at once when the caller leaves, so that its subscription ends with it.
                async with aclosing(answers(form.read(data, self._request), call)) as responses:
                    async for response in responses:
                        yield form.rewrite(response, self._response)
            if end.status is not None:
                await _abort(context, end.status)

    async def exchange(
        self, metadata: Metadata, turn: Turn, requests: AsyncIterator[bytes], context: Context
    ) -> AsyncGenerator[bytes]:
        """One answer to each request of a stream, in turn."""
        answer: Callable[[Message, Call], Awaitable[Message]] = self._call
        with self._counted_stream(Call(context, metadata, turn)) as end:
            async for data in requests:
                end.call = call = Call(context, metadata, Turn(turn.waiting))
                # A shutdown waits for what is being answered, not for what may yet be asked.
                with self._in_flight:
                    response = BINARY.write(await answer(BINARY.read(data, self._request), call))
                yield response
        if end.status is not None:
            await _abort(context, end.status)

    @contextmanager
    def _counted_stream(self, call: Call) -> Iterator[_End]:
        """Counts a stream, and keeps what went wrong in it for its caller to be told."""
        end = _End(call)
        code = "CANCELLED"
        self._observer.stream_opened(self.name)
        try:
            yield end
            code = "OK"
        except NobodyWaits as error:
            end.status = _lost(error.loss)
            code = code_pb2.Code.Name(end.status.code)
        except Exception as error:  # noqa: BLE001  # all end here, and none is lost
            end.status = self._status(error, end.call)
            code = code_pb2.Code.Name(end.status.code)
        finally:
            self._observer.stream_closed(self.name, code)

    def _tell(self, turn: Turn, call: Call, context: Context) -> None:
        # Other calls than predictions ask no model.
        if turn.model_version:
            self._observer.stages_ended(turn)
            if call.asks_for(TIMING):
                context.set_trailing_metadata(timing_metadata(turn))

    def _status(self, error: Exception, call: Call) -> status_pb2.Status:
        request_id = call.request_id
        if isinstance(error, TickcastError):
            status = status_of(error, request_id=request_id)
            self._log.info(
                "call refused",
                method=self.name,
                code=code_pb2.Code.Name(status.code),
                cause=error.message,
                request_id=request_id,
            )
            return status
        self._log.error(
            "call failed",
            method=self.name,
            request_id=request_id,
            action="report this with the trace",
            exc_info=error,
        )
        return internal_status(request_id=request_id)


def _lost(loss: Loss) -> status_pb2.Status:
    return status_pb2.Status(code=_LOST[loss], message="nobody waits for it")


async def _abort(context: Context, status: status_pb2.Status) -> bytes:
    # Ends by raising: nothing may catch it between here and the library.
    await context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("unreachable")
