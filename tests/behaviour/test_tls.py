"""gRPC over TLS, as an operator sets it up: refused early, renewed without a restart."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError
from tickcast_server import probe
from tickcast_server.rpc.tls import BadCertificate, Certificates, PemFiles
from tickcast_server.settings import describe, load_settings
from tickcast_server.testing import free_address, start_local, start_process, start_workers

from tests.certificates import Authority, Pair

AddPackage = Callable[..., Path]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "certificates")


def tls(pair: Pair, **others: Any) -> dict[str, Any]:
    return {"tls": {"certificate": pair.certificate, "key": pair.key, **others}}


def pem(authority: Authority, client: Pair | None = None) -> grpc.ChannelCredentials:
    root = authority.root.read_bytes()
    if client is None:
        return grpc.ssl_channel_credentials(root)
    return grpc.ssl_channel_credentials(
        root, client.key.read_bytes(), client.certificate.read_bytes()
    )


async def healthy(address: str, credentials: grpc.ChannelCredentials) -> bool:
    """Whether a new connection is answered."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(address, credentials, options) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=10
            )
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def grpcurl(*arguments: str) -> str:
    program = Path(sys.executable).with_name("grpcurl")
    return subprocess.run(
        [program, *arguments, "list"], capture_output=True, text=True, check=True
    ).stdout


async def test_probe_and_grpcurl_ask_a_server_that_speaks_tls(
    tmp_path: Path, authority: Authority
) -> None:
    pair = authority.issue("127.0.0.1")
    async with start_local(tmp_path, **tls(pair)) as app:
        address = ["--address", app.address]
        root = ["--cacert", str(authority.root)]
        assert await asyncio.to_thread(probe.main, [*address, *root]) == 0
        assert await asyncio.to_thread(probe.main, address) == 1
        assert await asyncio.to_thread(probe.main, [*address, *root, "--servername", "a.b"]) == 1
        listed = await asyncio.to_thread(grpcurl, "-cacert", str(authority.root), app.address)
        assert "tickcast.v1.PredictionService" in listed


async def test_with_a_client_ca_only_its_clients_are_answered(
    tmp_path: Path, authority: Authority
) -> None:
    clients = Authority(tmp_path / "clients")
    known = clients.issue("desk", to="known")
    strange = authority.issue("desk", to="strange")
    pair = authority.issue("127.0.0.1")
    async with start_local(tmp_path, **tls(pair, client_ca=clients.root)) as app:
        assert await healthy(app.address, pem(authority, known))
        assert not await healthy(app.address, pem(authority, strange))
        assert not await healthy(app.address, pem(authority))
        flags = ["--cacert", authority.root, "--cert", known.certificate, "--key", known.key]
        asked = ["--address", app.address, *map(str, flags)]
        assert await asyncio.to_thread(probe.main, asked) == 0


async def test_new_certificates_are_taken_up_and_bad_ones_are_not(
    tmp_path: Path, authority: Authority
) -> None:
    pair = authority.issue("127.0.0.1")
    async with start_local(tmp_path, **tls(pair)) as app:
        first, second = pem(authority), Authority(tmp_path / "certificates")
        assert await healthy(app.address, first)
        pair.key.write_bytes(b"half of a key")
        assert await healthy(app.address, first)
        second.issue("127.0.0.1")
        assert await healthy(app.address, pem(second))
        assert not await healthy(app.address, first)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda pair: pair.certificate.unlink(), r"^TICKCAST_TLS__CERTIFICATE: .* cannot be read"),
        (lambda pair: pair.key.unlink(), r"^TICKCAST_TLS__KEY: .*server\.key cannot be read"),
        (lambda pair: pair.key.write_text("x"), r"^TICKCAST_TLS__KEY: .* is not the private key"),
        (
            lambda pair: pair.certificate.write_text("x"),
            r"^TICKCAST_TLS__CERTIFICATE: .*server\.pem holds no certificate, needed one as PEM",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_by_its_variable(
    authority: Authority, spoil: Callable[[Pair], Any], message: str
) -> None:
    pair = authority.issue("127.0.0.1")
    spoil(pair)
    with pytest.raises(BadCertificate, match=message):
        Certificates(PemFiles(certificate=pair.certificate, key=pair.key, client_ca=None))


@pytest.mark.parametrize("given", [{"certificate": "a.pem"}, {"key": "a"}, {"client_ca": "a.pem"}])
def test_a_half_of_what_tls_needs_is_refused(given: dict[str, str]) -> None:
    flags = [f"--tls.{name.replace('_', '-')}={value}" for name, value in given.items()]
    with pytest.raises(ValidationError, match="needed certificate and key") as refused:
        load_settings(flags, environ={})
    assert describe(refused.value).startswith("tls: was ")


async def test_bad_certificates_keep_a_server_of_any_kind_from_starting(tmp_path: Path) -> None:
    variables = {
        "TICKCAST_TLS__CERTIFICATE": f"{tmp_path}/none.pem",
        "TICKCAST_TLS__KEY": f"{tmp_path}/none.key",
        "TICKCAST_WORKERS": "2",
    }
    async with start_process(tmp_path, free_address(), PIPE, **variables) as process:
        _, said = await process.communicate()
    assert process.returncode == 1
    (line,) = said.splitlines()
    assert json.loads(line)["cause"].startswith("TICKCAST_TLS__CERTIFICATE: ")


@pytest.mark.skipif(sys.platform != "linux", reason="several processes need Linux")
async def test_workers_speak_tls(
    tmp_path: Path, authority: Authority, add_package: AddPackage
) -> None:
    add_package()
    pair = authority.issue("127.0.0.1")
    variables = {
        "TICKCAST_TLS__CERTIFICATE": str(pair.certificate),
        "TICKCAST_TLS__KEY": str(pair.key),
    }
    async with start_workers(tmp_path, 2, **variables) as workers:
        for _ in range(10):
            assert await healthy(workers.address, pem(authority))
