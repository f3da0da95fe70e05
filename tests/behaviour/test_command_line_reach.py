"""How commands reach a server: TLS and tokens from options and variables."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tickcast.cli.app import run
from tickcast.cli.exit_code import ExitCode
from tickcast_server.testing import start_local

from tests.certificates import Authority

AddPackage = Callable[..., Path]


async def test_tls_by_option_and_by_variable(
    tmp_path: Path,
    add_package: AddPackage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add_package()
    authority = Authority(tmp_path / "certificates")
    pair = authority.issue("127.0.0.1")
    settings = {"tls": {"certificate": pair.certificate, "key": pair.key}}
    token = tmp_path / "token"
    token.write_text("secret\n")
    async with start_local(tmp_path, **settings) as server:
        monkeypatch.setenv("TICKCAST_TARGET", server.address)
        known = ["--tls-ca", str(authority.root), "--token-file", str(token)]
        assert await asyncio.to_thread(run, [*known, "symbols"]) == ExitCode.DONE
        assert await asyncio.to_thread(run, ["symbols"]) == ExitCode.SERVER_AWAY
        monkeypatch.setenv("TICKCAST_CLIENT_TLS_CA", str(authority.root))
        assert await asyncio.to_thread(run, ["symbols"]) == ExitCode.DONE
        assert "secret" not in "".join(capsys.readouterr())
        assert await asyncio.to_thread(run, ["doctor", "server", "--json"]) == ExitCode.DONE
        assert "the certificate of 127.0.0.1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tls-key", "key.pem"], "tls: was given key without certificate"),
        (["--tls-ca", "/no/such.pem"], "/no/such.pem cannot be read"),
        (["--token-file", "/no/such"], "--token-file: /no/such cannot be read"),
        (["--target", "prices.example:1", "--token-file", "{token}"], "in plain text"),
    ],
)
def test_what_cannot_be_used_is_a_wrong_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    code = run([*(item.format(token=token) for item in options), "symbols"])
    captured = capsys.readouterr()
    assert code == ExitCode.BAD_USAGE
    assert said in captured.err
    assert "secret" not in captured.err
