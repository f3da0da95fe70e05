"""From starting the process to SERVING, with ten models and a store that holds bars."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tickcast_server.testing import free_address

from benchmarks.common import models, processes
from benchmarks.common.options import Effort, main
from benchmarks.common.processes import NotReady
from benchmarks.common.report import Report, Table

MODELS = 10

_MIB = 2**20
_MOST_SECONDS = 60.0
_LOOK_SECONDS = 0.005


def run(effort: Effort) -> Report:
    names = tuple(f"bench-{number}" for number in range(MODELS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repository = models.repository(folder / "models", names)
        found = [_start(folder, repository, effort) for _ in range(effort.rounds)]
        imports = [_seconds_to_import() for _ in range(effort.rounds)]
    seconds = [item for item, _ in found]
    return Report(
        benchmark="startup",
        tables=[
            Table(
                title=f"Start with {MODELS} models of {models.TREES} trees",
                rows=[
                    {
                        "seconds to SERVING": statistics.median(seconds),
                        "quickest": min(seconds),
                        "slowest": max(seconds),
                        "of which imports": statistics.median(imports),
                        "MiB": statistics.median(resident for _, resident in found) / _MIB,
                    }
                ],
            )
        ],
    )


def _start(data: Path, repository: Path, effort: Effort) -> tuple[float, int]:
    """Seconds until health says SERVING, and resident bytes then."""
    address = free_address()
    variables = {
        "TICKCAST_ADDRESS": address,
        "TICKCAST_METRICS_ADDRESS": "",
        "TICKCAST_DATA": str(data),
        "TICKCAST_MODELS": str(repository),
        "TICKCAST_WORKERS": str(effort.workers),
    }
    begin = time.perf_counter()
    command = (sys.executable, "-m", "tickcast_server")
    with processes.started(command, variables=variables) as running:
        while not _is_serving(address):
            running.check()
            if time.perf_counter() > begin + _MOST_SECONDS:
                raise NotReady(f"{address} was not SERVING within {_MOST_SECONDS:.0f} s")
            time.sleep(_LOOK_SECONDS)
        return time.perf_counter() - begin, running.resident_bytes()


def _is_serving(address: str) -> bool:
    # A channel of its own each time: one that failed waits before it tries again.
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=0.2)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _seconds_to_import() -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import tickcast_server.cli"], check=True, env=os.environ)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main([run], "startup"))
