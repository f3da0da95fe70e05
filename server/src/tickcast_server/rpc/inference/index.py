"""What the model repository holds, as Triton's repository extension tells it."""

from __future__ import annotations

from collections.abc import Collection

from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import RepositoryIndexResponse
from tickcast_server.serving.models import Catalogue, ModelVersion

_READY = "READY"
_UNAVAILABLE = "UNAVAILABLE"


def repository_index(
    catalogue: Catalogue, unloaded: Collection[str], *, ready: bool
) -> RepositoryIndexResponse:
    """Every version; with `ready`, those that answer alone."""
    Row = RepositoryIndexResponse.ModelIndex  # noqa: N806  # it is a class
    rows = [
        Row(
            name=entry.name,
            version=str(number),
            state=_state(version),
            reason=version.failure or "",
        )
        for entry in catalogue.values()
        for number, version in sorted(entry.versions.items())
    ]
    rows += [Row(name=name, state=_UNAVAILABLE, reason="unloaded") for name in sorted(unloaded)]
    return RepositoryIndexResponse(models=[row for row in rows if not ready or row.state == _READY])


def _state(version: ModelVersion) -> str:
    return _READY if version.loaded is not None else _UNAVAILABLE
