"""`tickcast-health`: asks a server for its health, for containers and scripts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 when the service is SERVING, else 1."""
    parser = argparse.ArgumentParser(prog="tickcast-health", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:50051", help="host:port of the server")
    parser.add_argument("--service", default="", help="service or models/NAME; all when empty")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait")
    parser.add_argument("--cacert", type=Path, help="PEM file of the server's authority, for TLS")
    parser.add_argument("--cert", type=Path, help="PEM file of a client's certificate")
    parser.add_argument("--key", type=Path, help="PEM file of its private key")
    parser.add_argument("--servername", help="name in the server's certificate, if not the host's")
    options = parser.parse_args(argv)
    if (options.cert is None) != (options.key is None):
        parser.error("--cert, --key: needed both or neither")
    try:
        credentials = _credentials(options)
    except OSError as error:
        parser.error(f"{error.filename} cannot be read: {error.strerror}")
    with _channel(options.address, credentials, options.servername) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=options.service)
        try:
            response = stub.Check(request, timeout=options.timeout)
        except grpc.RpcError as error:
            print(f"{options.address}: {error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
    print(status)
    return 0 if response.status == health_pb2.HealthCheckResponse.SERVING else 1


def _credentials(options: argparse.Namespace) -> grpc.ChannelCredentials | None:
    """Those of the flags, which are named as grpcurl's are; `None` for plain text."""
    files = [options.cacert, options.key, options.cert]
    if not any(files):
        return None
    return grpc.ssl_channel_credentials(*(path and path.read_bytes() for path in files))


def _channel(
    address: str, credentials: grpc.ChannelCredentials | None, name: str | None
) -> grpc.Channel:
    if credentials is None:
        return grpc.insecure_channel(address)
    override = [("grpc.ssl_target_name_override", name)] if name else []
    return grpc.secure_channel(address, credentials, override)


if __name__ == "__main__":
    sys.exit(main())
