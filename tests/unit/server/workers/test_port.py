"""A port that several processes share, and nobody else."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import grpc
import pytest
from tickcast_server.rpc.listen import AddressInUse
from tickcast_server.workers.port import reserved

HOSTS = ["127.0.0.1", "0.0.0.0", "localhost", "[::1]", "[::]"]  # noqa: S104  # only for a moment


def is_here(host: str) -> bool:
    """Whether this machine has the address."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host.strip("[]"), 0))
    except OSError:
        return False
    return True


def listen(address: str, *, shared: bool) -> grpc.Server:
    """A gRPC server on the address, for as long as it is held."""
    options = [("grpc.so_reuseport", int(shared))]
    server = grpc.server(ThreadPoolExecutor(1), options=options)
    server.add_insecure_port(address)
    return server


@pytest.mark.parametrize("host", [host for host in HOSTS if is_here(host)])
def test_those_who_share_the_port_may_listen_and_others_may_not(host: str) -> None:
    with reserved(f"{host}:0") as address:
        assert address.startswith(f"{host}:")
        assert not address.endswith(":0")
        workers = [listen(address, shared=True) for _ in range(2)]
        with pytest.raises(RuntimeError):
            listen(address, shared=False)
        for worker in workers:
            worker.stop(None)


@pytest.mark.parametrize("shared", [True, False])
def test_a_port_where_another_server_listens_is_refused_even_when_it_would_share(
    shared: bool,
) -> None:
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AddressInUse, match=address), reserved(address):
            pass


def test_a_port_is_reserved_once_at_a_time() -> None:
    with (
        reserved("127.0.0.1:0") as address,
        pytest.raises(AddressInUse, match=address),
        reserved(address),
    ):
        pass
    with reserved(address) as again:
        assert again == address


def test_an_address_that_is_not_of_this_machine_is_refused() -> None:
    with pytest.raises(AddressInUse, match=r"192\.0\.2\.1"), reserved("192.0.2.1:0"):
        pass
