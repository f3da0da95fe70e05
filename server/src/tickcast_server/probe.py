"""`tickcast-health`: asks a server for its health, for containers and scripts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 when the service is SERVING, else 1."""
    parser = argparse.ArgumentParser(prog="tickcast-health", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:50051", help="host:port of the server")
    parser.add_argument("--service", default="", help="service or models/NAME; all when empty")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait")
    options = parser.parse_args(argv)
    with grpc.insecure_channel(options.address) as channel:
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


if __name__ == "__main__":
    sys.exit(main())
