"""`tickcast doctor`: what is wrong with a server, and what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from tickcast.cli.app import run
from tickcast.cli.exit_code import ExitCode
from tickcast.v1 import market_data_service_pb2, market_data_service_pb2_grpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import bar_messages, eventually, free_address

AddPackage = Callable[..., Path]
Found = list[dict[str, str]]


async def examined(
    capsys: pytest.CaptureFixture[str], target: str, part: str = "server"
) -> tuple[int, Found]:
    """The exit code, and what was found."""
    # The server of the test speaks on the same output.
    capsys.readouterr()
    code = await asyncio.to_thread(run, ["--target", target, "doctor", part, "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def states(found: Found, check: str) -> list[str]:
    return [finding["state"] for finding in found if finding["check"] == check]


def of(found: Found, state: str) -> Found:
    return [finding for finding in found if finding["state"] == state]


async def test_a_server_without_bars_is_well_and_told_to_get_some(
    shared_server: App, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = await examined(capsys, shared_server.address)
    assert code == ExitCode.DONE
    for check in ("network", "health", "versions", "encryption", "clock", "models", "features"):
        assert states(found, check) == ["ok"], check
    assert states(found, "bars") == states(found, "predictions") == ["warning"]
    assert all(finding["do"] for finding in of(found, "warning"))


async def test_refused_models_and_old_bars_are_found(
    server: App,
    add_package: AddPackage,
    channel: grpc.aio.Channel,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stub = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
    bars = bar_messages(random_walk_bars(80, symbol="AAPL")) + bar_messages(
        random_walk_bars(20, symbol="YOUNG")
    )
    await stub.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=bars))
    (add_package(seed=1) / "model.onnx").write_bytes(b"damaged")
    await eventually(
        lambda: any(
            version.failure is not None
            for version in server.models.catalogue["tiny"].versions.values()
        )
    )
    code, found = await examined(capsys, server.address)
    assert code == ExitCode.FAILED
    (refused,) = of(found, "problem")
    assert refused["says"].startswith("models/tiny/versions/2 was refused")
    assert "train or copy it again" in refused["do"]
    said = " ".join(finding["says"] for finding in of(found, "warning"))
    assert "cannot predict 1 symbols" in said
    assert "days ago" in said


async def test_nobody_at_the_target_is_one_problem_with_a_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, found = await examined(capsys, free_address())
    assert code == ExitCode.FAILED
    assert [finding["check"] for finding in found] == ["network"]
    assert found[0]["do"] == "start a server: tickcast serve"


async def test_another_grpc_server_is_told_from_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = grpc.aio.server()
    port = other.add_insecure_port("127.0.0.1:0")
    await other.start()
    try:
        code, found = await examined(capsys, f"127.0.0.1:{port}")
    finally:
        await other.stop(None)
    assert code == ExitCode.FAILED
    assert "none of Tickcast" in found[-1]["says"]


async def test_the_machine_is_examined_by_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TICKCAST_ADDRESS", free_address())
    monkeypatch.setenv("TICKCAST_DATA", str(tmp_path))
    monkeypatch.setenv("TICKCAST_MODELS", str(tmp_path / "none"))
    code, found = await examined(capsys, "ignored:1", "machine")
    assert code == ExitCode.DONE
    assert states(found, "libraries").count("ok") == 4
    assert states(found, "settings") == ["ok"]
    assert "ok" in states(found, "store")
    assert states(found, "repository") == ["warning"]


async def test_a_table_has_the_state_the_check_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = await asyncio.to_thread(run, ["--target", free_address(), "doctor", "server"])
    first, second, last = capsys.readouterr().out.splitlines()
    assert code == ExitCode.FAILED
    assert first.split()[:2] == ["problem", "network"]
    assert second.strip() == "do: start a server: tickcast serve"
    assert last == "problems: 1, warnings: 0"
