"""The command line that benchmarks share."""

import json
from pathlib import Path

import pytest

from benchmarks.common import options
from benchmarks.common.options import LONG, SHORT, Effort, main
from benchmarks.common.report import Report

SEEN: list[Effort] = []


def works(effort: Effort) -> Report:
    SEEN.append(effort)
    return Report(benchmark="works", tables=[])


def fails(_effort: Effort) -> Report:
    raise RuntimeError("no server")


@pytest.fixture(autouse=True)
def h2load_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """These benchmarks make no load, and a machine that tests need not be able to."""
    monkeypatch.setattr(options, "check_installed", lambda: None)
    SEEN.clear()


def test_what_is_not_said_is_that_of_the_long_run_or_of_the_short_one(tmp_path: Path) -> None:
    file = str(tmp_path / "x.json")

    assert main([works], "x", ["--json", file]) == 0
    assert main([works], "x", ["--json", file, "--short", "--rounds", "5", "--workers", "2"]) == 0

    assert SEEN[0] == LONG
    assert (SEEN[1].rounds, SEEN[1].seconds, SEEN[1].workers) == (5, SHORT.seconds, 2)


def test_one_that_fails_does_not_cost_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"

    assert main([fails, works], "x", ["--json", str(file)]) == 1

    assert [report["benchmark"] for report in json.loads(file.read_text())["reports"]] == ["works"]
    assert "no server" in capsys.readouterr().err


def test_several_processes_get_several_connections_each() -> None:
    one = Effort(rounds=1, seconds=1, soak_minutes=1)
    three = Effort(rounds=1, seconds=1, soak_minutes=1, workers=3)

    assert (one.connections, three.connections) == (1, 24)
