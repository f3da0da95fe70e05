"""The gRPC server itself: options, services, port."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2_grpc
from tickcast.v1 import (
    feature_service_pb2,
    market_data_service_pb2,
    model_service_pb2,
    prediction_service_pb2,
)

from tickcast_server.rpc.handlers import CallObserver, InFlight, service_handler
from tickcast_server.rpc.health import Health
from tickcast_server.rpc.inference.protocol import grpc_service_pb2
from tickcast_server.rpc.reflection import add_reflection
from tickcast_server.rpc.tls import Certificates
from tickcast_server.waits import Waits

SERVICES: Mapping[str, ServiceDescriptor] = {
    descriptor.full_name: descriptor
    for descriptor in (
        prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"],
        market_data_service_pb2.DESCRIPTOR.services_by_name["MarketDataService"],
        feature_service_pb2.DESCRIPTOR.services_by_name["FeatureService"],
        model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
    )
}

INFERENCE: ServiceDescriptor = grpc_service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
"""The Open Inference Protocol, which is not ours: served beside the contract, and no part of it."""

ALL_SERVICES = (*SERVICES, INFERENCE.full_name)
"""What health and reflection tell of."""

# Of Triton's extensions, those that are of no use to a caller elsewhere: memory that both map,
# traces and logs of the server.
_NOT_SERVED = {
    *("SystemSharedMemoryStatus", "SystemSharedMemoryRegister", "SystemSharedMemoryUnregister"),
    *("CudaSharedMemoryStatus", "CudaSharedMemoryRegister", "CudaSharedMemoryUnregister"),
    *("TraceSetting", "LogSettings"),
}

_MIB = 2**20

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * _MIB),
    ("grpc.max_send_message_length", 64 * _MIB),
    # Clients that follow a quiet market ping every ten seconds; by default that would be abuse.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 9_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


class AddressInUse(OSError):
    """The address cannot be listened on. The message says which."""


def cannot_listen(address: str) -> AddressInUse:
    """What to raise when gRPC cannot be served at this address."""
    return AddressInUse(
        f"the address {address} cannot be listened on; is another server running there? "
        "Set TICKCAST_ADDRESS to another one"
    )


def build_server(
    servicers: Mapping[str, object],
    *,
    health: Health,
    observer: CallObserver,
    in_flight: InFlight,
    waits: Waits,
    shared_port: bool,
    calls_of_connection: int,
) -> grpc.aio.Server:
    """A server with the contract, the inference protocol, health and reflection. Not started.

    `servicers` is keyed by the full name of the service. `shared_port` lets other processes listen
    on its port, each with a part of the connections; `calls_of_connection` is how many calls one of
    them may have open, streams among them. Raises `KeyError` or `AttributeError` for
    a service or method of the contract that is missing.
    """
    options = (
        *_OPTIONS,
        # Two servers on one port by accident would each get a part of the calls.
        ("grpc.so_reuseport", int(shared_port)),
        # Past it, calls wait with their client, where a deadline that passes costs nothing here.
        ("grpc.max_concurrent_streams", calls_of_connection),
        # Otherwise calls count until their objects are freed, after their answers: of a burst,
        # clients that keep to the limit would see a third refused.
        ("grpc.http.overload_protection", 0),
    )
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers(
        [
            service_handler(
                descriptor,
                servicers[descriptor.full_name],
                observer=observer,
                in_flight=in_flight,
                waits=waits,
                without=_NOT_SERVED if descriptor is INFERENCE else (),
            )
            for descriptor in (*SERVICES.values(), INFERENCE)
        ]
    )
    health_pb2_grpc.add_HealthServicer_to_server(health.servicer, server)
    add_reflection([*ALL_SERVICES, "grpc.health.v1.Health"], server)
    return server


def bind(server: grpc.aio.Server, address: str, certificates: Certificates | None) -> int:
    """Binds the server to `host:port` and returns the port, chosen by the system for port 0.

    Without `certificates` in plain text. Raises `AddressInUse`.
    """
    try:
        port = (
            server.add_insecure_port(address)
            if certificates is None
            else server.add_secure_port(address, certificates.credentials())
        )
    except RuntimeError as error:
        raise cannot_listen(address) from error
    return port
