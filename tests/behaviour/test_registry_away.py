"""A registry that does not answer: the server starts with what it has, and stops."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tickcast_server.testing import free_address, start_local

AddPackage = Callable[..., Path]


@pytest.fixture(params=["nobody listens", "never answers"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where no registry answers."""
    if request.param == "nobody listens":
        yield f"http://{free_address()}"
        return
    # The system takes the connection; nobody reads what is asked.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_server_starts_with_what_is_in_its_folder_and_stops_in_time(
    tmp_path: Path, add_package: AddPackage, url: str
) -> None:
    add_package()
    begin = time.monotonic()
    async with start_local(
        tmp_path,
        registry_url=url,
        registry_models=["tiny@champion"],
        registry={"poll": 0.05, "timeout": 0.3},
    ) as app:
        assert app.loaded_versions == ["models/tiny/versions/1"]
        value = app.metrics.registry.get_sample_value
        assert value("tickcast_registry_reachable", {"registry": url}) == 0
        assert value("tickcast_registry_model_present", {"reference": "tiny@champion"}) == 0
    assert time.monotonic() - begin < 10
