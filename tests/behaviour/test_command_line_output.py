"""What commands write, for people and for programs, and how they end."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from tickcast.cli.app import run
from tickcast.cli.exit_code import ExitCode
from tickcast.v1 import market_data_service_pb2, market_data_service_pb2_grpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import bar_messages

SYMBOLS = ("AAPL", "IBM")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.out)))

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Coroutine[Any, Any, Ended]]


@pytest.fixture(scope="module")
async def target(shared_server: App, shared_channel: grpc.aio.Channel) -> str:
    """A server that holds 120 bars of two symbols."""
    stub = market_data_service_pb2_grpc.MarketDataServiceStub(shared_channel)
    for seed, symbol in enumerate(SYMBOLS):
        bars = bar_messages(random_walk_bars(120, symbol=symbol, seed=seed))
        await stub.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=bars))
    return shared_server.address


@pytest.fixture
def tickcast(target: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """`tickcast`, aimed at the server."""

    async def command(*arguments: str) -> Ended:
        code = await asyncio.to_thread(run, ["--target", target, *arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return command


@pytest.mark.parametrize(
    ("command", "key", "count"),
    [
        (["predict", *SYMBOLS], "symbol", 2),
        (["symbols"], "symbol", 2),
        (["bars", "AAPL", "--last", "7"], "open_time", 7),
        (["models"], "name", 1),
        (["models", "tiny"], "onnx_sha256", 1),
        (["features"], "name", 1),
    ],
)
async def test_csv_is_json_in_rows(
    tickcast: Command, command: list[str], key: str, count: int
) -> None:
    sheet = await tickcast(*command, "--output", "csv")
    objects = await tickcast(*command, "--output", "json")
    assert sheet.code == objects.code == ExitCode.DONE
    assert [row[key] for row in sheet.rows] == [item[key] for item in objects.lines]
    assert len(sheet.rows) == count
    assert objects.out == (await tickcast(*command, "--json")).out or command[0] == "predict"


async def test_csv_loses_no_digit(tickcast: Command) -> None:
    (row,) = (await tickcast("bars", "AAPL", "--last", "1", "-o", "csv")).rows
    (bar,) = (await tickcast("bars", "AAPL", "--last", "1", "-o", "json")).lines
    assert float(row["close"]) == bar["close"]
    assert row["open_time"] == bar["open_time"]


async def test_features_are_a_row_each_in_csv(tickcast: Command) -> None:
    (vector,) = (await tickcast("features", "AAPL", "--json")).lines
    rows = (await tickcast("features", "AAPL", "-o", "csv")).rows
    assert [row["feature"] for row in rows] == vector["names"]
    assert [float(row["value"]) for row in rows] == vector["values"]


async def test_a_table_in_a_pipe_has_no_colour_and_no_cut_column(tickcast: Command) -> None:
    shown = await tickcast("predict", *SYMBOLS)
    assert "\x1b" not in shown.out
    assert "…" not in shown.out
    assert "tiny/versions/1" in shown.out


async def test_a_name_that_is_written_wrongly_is_suggested(tickcast: Command) -> None:
    assert "did you mean AAPL?" in (await tickcast("predict", "APPL")).err
    assert "did you mean AAPL?" in (await tickcast("bars", "AAPPL")).err
    assert "did you mean models/tiny?" in (await tickcast("models", "tinny")).err
    assert "did you mean" not in (await tickcast("bars", "QQQQ")).err


async def test_contradicting_forms_are_a_wrong_command_line(tickcast: Command) -> None:
    ended = await tickcast("symbols", "--json", "-o", "csv")
    assert ended.code == ExitCode.BAD_USAGE
    assert "--output: was csv together with --json" in ended.err
    assert ended.out == ""


async def test_watch_streams_predictions_in_the_columns_of_predict(tickcast: Command) -> None:
    watched = await tickcast("watch", "--seconds", "0.5", "-o", "csv")
    asked = await tickcast("predict", *SYMBOLS, "-o", "csv")
    assert watched.code == ExitCode.DONE
    assert [row["predicted_price"] for row in watched.rows] == [
        row["predicted_price"] for row in asked.rows
    ]
    assert watched.rows[0].keys() == asked.rows[0].keys()


async def test_bench_measures_a_server(tickcast: Command) -> None:
    (by_symbol,) = (await tickcast("bench", "--duration", "200ms", "--json")).lines
    assert by_symbol["loop"] == "closed"
    assert by_symbol["answered"] > 0 == by_symbol["failed"]
    assert 0 < by_symbol["latency_ms"]["p50"] <= by_symbol["latency_ms"]["max"]
    paced = ("bench", "AAPL", "--rows", "20", "--rate", "50", "--duration", "200ms")
    (rows,) = (await tickcast(*paced, "--json")).lines
    assert (rows["loop"], rows["answered"]) == ("open", 10)
    assert rows["rows_per_second"] == 20 * rows["calls_per_second"]
    shown = await tickcast(*paced)
    assert shown.code == ExitCode.DONE
    assert "20 rows of features in each call" in shown.out
    assert "this program used" in shown.out


async def test_bench_of_another_machine_needs_a_yes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--target", "prices.example:50051", "bench"]) == ExitCode.BAD_USAGE
    assert "needed --yes" in capsys.readouterr().err


async def test_a_reader_who_leaves_is_no_error(target: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tickcast", "--target", target, "watch", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    assert await process.stderr.read() == b""
    assert await process.wait() == ExitCode.READER_GONE


async def test_an_interrupted_command_says_so(server: App) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tickcast", "--target", server.address),
        *("replay", "--source", "bundled", "--speed", "0.001", "--end", "2000-06-01"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    # It waits between the steps that it has announced.
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == ExitCode.INTERRUPTED
    assert b"Traceback" not in err


def test_every_exit_code_is_documented() -> None:
    page = Path("docs/command_line.md").read_text()
    table = page.partition("## Exit codes")[2].partition("\n## ")[0]
    documented = [int(line.split("|")[1]) for line in table.splitlines() if line[2:3].isdigit()]
    assert documented == list(ExitCode)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tickcast predict A", "AAPL"),
        ("tickcast watch --model t", "tiny"),
        ("tickcast features --feature-set f", "featureSets/core-"),
        ("tickcast pre", "predict"),
    ],
)
async def test_bash_completes_names_that_the_server_holds(
    target: str, typed: str, offered: str
) -> None:
    assert (await completed(typed, target)).startswith(offered)


async def test_completion_is_silent_while_no_server_answers() -> None:
    assert await completed("tickcast predict A", "127.0.0.1:1") == ""


async def completed(typed: str, target: str) -> str:
    """What bash offers at the end of a line, by the function that --install-completion installs."""
    program = Path(sys.executable).with_name("tickcast")
    script = f"""
        eval "$(_TICKCAST_COMPLETE=source_bash {program})"
        COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _tickcast_completion {program}; echo "${{COMPREPLY[@]}}"
    """
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        env=os.environ | {"TICKCAST_TARGET": target},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert err == b""
    return out.decode().strip()
