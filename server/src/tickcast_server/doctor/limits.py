"""What the system lets one process have."""

from __future__ import annotations

import resource
from collections.abc import Iterator

from tickcast_server.doctor.finding import Finding
from tickcast_server.settings import Settings

# Connections of clients, beside the store's and the files of models.
_ENOUGH = 4_096


def check(_settings: Settings) -> Iterator[Finding]:
    """Open files, of which every connection is one."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY or limit >= _ENOUGH:
        yield Finding("files", "ok", "a process may open files and connections enough")
        return
    yield Finding(
        "files",
        "warning",
        f"a process may open {limit} files, connections among them",
        "ulimit -n 65536, or LimitNOFILE=65536 in the unit of systemd",
    )
