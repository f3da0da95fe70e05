"""The contract's descriptors are walked: nothing that they promise may be missing."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status
from tickcast.v1 import (
    bar_pb2,
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from tickcast_server.rpc.listen import SERVICES
from tickcast_server.testing import detail

# Its types do not say which options it extends.
FIELD_BEHAVIOR: Any = field_behavior_pb2.field_behavior

METHODS = [method for service in SERVICES.values() for method in service.methods]


def required_fields(message: Descriptor) -> list[str]:
    return [
        field.name
        for field in message.fields
        if field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[FIELD_BEHAVIOR]
    ]


def method_id(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}.{method.name}"


async def call(channel: grpc.aio.Channel, method: MethodDescriptor, data: bytes) -> bytes:
    path = f"/{method.containing_service.full_name}/{method.name}"
    if not method.server_streaming:
        return await channel.unary_unary(path, bytes, bytes)(data, timeout=5)
    stream = channel.unary_stream(path, bytes, bytes)(data, timeout=5)
    async for message in stream:
        stream.cancel()
        return message
    raise AssertionError("the stream ended without an event")


@pytest.mark.parametrize("method", METHODS, ids=method_id)
async def test_is_implemented(shared_channel: grpc.aio.Channel, method: MethodDescriptor) -> None:
    try:
        await call(shared_channel, method, b"")
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT  # noqa: PT017
        assert required_fields(method.input_type)


@pytest.mark.parametrize(
    "method", [m for m in METHODS if required_fields(m.input_type)], ids=method_id
)
async def test_names_every_required_field_that_is_empty(
    shared_channel: grpc.aio.Channel, method: MethodDescriptor
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(shared_channel, method, b"")
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert status.code == code_pb2.INVALID_ARGUMENT
    violations = detail(status, error_details_pb2.BadRequest).field_violations
    empty = {violation.field for violation in violations if violation.reason == "FIELD_REQUIRED"}
    assert empty == set(required_fields(method.input_type))


async def test_names_every_required_field_of_a_bar(shared_channel: grpc.aio.Channel) -> None:
    stub = market_data_service_pb2_grpc.MarketDataServiceStub(shared_channel)
    response = await stub.IngestBars(
        market_data_service_pb2.IngestBarsRequest(bars=[bar_pb2.Bar()])
    )
    status = response.results[0].error
    violations = detail(status, error_details_pb2.BadRequest).field_violations
    # Prices can only be judged on a bar whose slot is known.
    assert {violation.field for violation in violations} >= {
        "bars[0].symbol",
        "bars[0].timeframe",
        "bars[0].open_time",
    }
    timed = bar_pb2.Bar(symbol="A", timeframe="1d", open_time=Timestamp(seconds=86_400))
    response = await stub.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=[timed]))
    violations = detail(response.results[0].error, error_details_pb2.BadRequest).field_violations
    assert {violation.field for violation in violations} == {
        f"bars[0].{name}" for name in ("open", "high", "low", "close")
    }


@pytest.mark.parametrize("source", ["features", "bars"])
async def test_names_every_required_field_of_inline_input(
    shared_channel: grpc.aio.Channel, source: str
) -> None:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(shared_channel)
    request = prediction_service_pb2.PredictRequest(model="models/tiny", symbol="A")
    getattr(request, source).SetInParent()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Predict(request)
    status = rpc_status.from_call(caught.value)
    assert status is not None
    violations = detail(status, error_details_pb2.BadRequest).field_violations
    needed = required_fields(getattr(request, source).DESCRIPTOR)
    if source == "features":
        # One of two: neither is required by itself.
        needed.append("values")
    assert {violation.field for violation in violations} == {f"{source}.{name}" for name in needed}


@pytest.mark.parametrize("method", METHODS, ids=method_id)
async def test_refuses_bytes_that_are_no_message(
    shared_channel: grpc.aio.Channel, method: MethodDescriptor
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(shared_channel, method, b"\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("method", METHODS, ids=method_id)
async def test_has_requests_and_responses_of_its_own(method: MethodDescriptor) -> None:
    assert GetMessageClass(method.input_type).DESCRIPTOR.name == f"{method.name}Request"
    assert GetMessageClass(method.output_type).DESCRIPTOR.name == f"{method.name}Response"
