"""The `tickcast` program, as a user types it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tickcast.cli.exit_code import ExitCode
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import eventually

from tests.foreign_graphs import doubled, write_graph

SERIES = (random_walk_bars(120, symbol="AAPL"), random_walk_bars(120, symbol="IBM", seed=2))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


async def run(*arguments: str, **variables: str) -> Ended:
    """Runs `tickcast`, while the server in this process goes on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tickcast",
        *arguments,
        env=os.environ | variables,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


Tickcast = Callable[..., Coroutine[Any, Any, Ended]]


@pytest.fixture
def tickcast(server: App) -> Tickcast:
    """`tickcast`, aimed at the server."""

    async def command(*arguments: str) -> Ended:
        return await run(*arguments, TICKCAST_TARGET=server.address)

    return command


@pytest.fixture
def bars_file(tmp_path: Path) -> Path:
    path = tmp_path / "bars.csv"
    lines = ["symbol,date,open,high,low,close,volume"]
    for series in SERIES:
        for opened, row in zip(series.open_time.tolist(), series.ohlcv.tolist(), strict=True):
            lines.append(",".join([series.symbol, day(opened), *map(repr, row)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def day(second: int) -> str:
    import numpy as np

    return str(np.datetime64(second, "s").astype("datetime64[D]"))


def closing_day(series: BarSeries, index: int) -> str:
    return day(int(series.close_time[index]))


async def test_replay_then_predict_watch_and_look_around(
    tickcast: Tickcast, bars_file: Path
) -> None:
    replay = ("replay", str(bars_file), "--source", "csv", "--speed", "0", "--history", "90")
    start = closing_day(SERIES[0], 99)
    sent = await tickcast(*replay, "--start", start)
    assert sent.code == 0, sent.err
    assert "180 bars of history" in sent.out
    assert "20 steps" in sent.out
    assert "nothing to replay" in (await tickcast(*replay, "--start", start)).out

    shown = await tickcast("predict", "AAPL", "IBM")
    assert shown.code == 0, shown.err
    assert [line.split()[0] for line in shown.out.splitlines()] == ["symbol", "AAPL", "IBM"]
    assert "tiny/versions/1" in shown.out
    first, second = (await tickcast("predict", "AAPL", "IBM", "--model", "tiny", "--json")).json
    assert (first["symbol"], second["symbol"]) == ("AAPL", "IBM")
    assert first["as_of_time"] == f"{closing_day(SERIES[0], 119)}T00:00:00Z"
    assert first["price_interval"]["lower"] < first["predicted_price"]

    symbols = (await tickcast("symbols", "--json")).json
    assert [item["symbol"] for item in symbols] == ["AAPL", "IBM"]
    assert {item["bars"] for item in symbols} == {110}
    assert len((await tickcast("bars", "AAPL", "--last", "7", "--json")).json) == 7
    assert "AAPL" in (await tickcast("symbols")).out
    assert len((await tickcast("bars", "AAPL")).out.splitlines()) == 21
    assert "return_1" in (await tickcast("features", "AAPL")).out
    assert "featureSets/core-" in (await tickcast("features")).out

    models = await tickcast("models")
    assert "tiny/versions/1" in models.out
    assert "ready" in models.out
    (version,) = (await tickcast("models", "tiny", "--json")).json
    assert version["name"] == "models/tiny/versions/1"
    assert version["verdict"] in (await tickcast("models", "tiny")).out


async def test_a_graph_without_a_manifest_is_shown_without_a_judgement(
    server: App, tickcast: Tickcast, repository: Path
) -> None:
    write_graph(repository / "doubled", doubled())
    await eventually(lambda: "doubled" in server.models.catalogue)
    (line,) = [row for row in (await tickcast("models")).out.splitlines() if "doubled" in row]
    assert "ready" in line
    assert "beyond chance" not in line


async def test_watch_prints_a_line_for_each_bar_and_what_became_of_the_one_before(
    tickcast: Tickcast, bars_file: Path
) -> None:
    replay = ("replay", str(bars_file), "--source", "csv", "--history", "90")
    start = closing_day(SERIES[0], 109)
    loaded = await tickcast(*replay, "--start", start, "--end", start)
    assert loaded.code == 0, loaded.err
    watching = asyncio.create_task(tickcast("watch", "--seconds", "9"))
    await asyncio.sleep(1.5)
    assert (await tickcast(*replay, "--start", start, "--speed", "20")).code == 0
    watched = await watching
    assert watched.code == 0, watched.err
    lines = [line for line in watched.out.splitlines() if line.startswith(("AAPL", "IBM"))]
    assert len(lines) == 2 * 11
    assert sum("last hit" in line or "last miss" in line for line in lines) == 2 * 10
    assert watched.out.splitlines()[-1].startswith("band held ")
    assert "of 20 (" in watched.out.splitlines()[-1]


async def test_watch_draws_a_table_on_a_terminal_until_q(server: App, bars_file: Path) -> None:
    replay = ("replay", str(bars_file), "--source", "csv", "--speed", "0")
    assert (await run(*replay, TICKCAST_TARGET=server.address)).code == 0
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tickcast", "watch"),
        env=os.environ
        | {"TICKCAST_TARGET": server.address, "TERM": "xterm", "COLUMNS": "150", "NO_COLOR": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = await asyncio.to_thread(_read_all, ours, quit_after=b"IBM")
    assert await process.wait() == 0
    for part in ("connected to", "closes", "direction right", "AAPL", "IBM", "over 2 symbols"):
        assert part in drawn
    assert "\x1b[" in drawn
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", drawn), "there is colour"


def _read_all(terminal: int, *, quit_after: bytes) -> str:
    """What a program draws on its terminal, where q is pressed once a word has appeared."""
    parts: list[bytes] = []
    while True:
        if parts and quit_after in parts[-1]:
            os.write(terminal, b"q")
        try:
            part = os.read(terminal, 65_536)
        except OSError:
            # How Linux says that nobody holds the other end any more.
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts).decode()
        parts.append(part)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["predict", "NOPE"], 1, "NOPE: SYMBOL_NOT_FOUND: symbol: no bars of 'NOPE'"),
        (["predict", "AAPL", "--model", "nope"], 1, "MODEL_NOT_FOUND"),
        (["models", "nope"], 1, "MODEL_NOT_FOUND"),
        (["bars", "AAPL"], 1, "SYMBOL_NOT_FOUND"),
        (["features", "AAPL", "--feature-set", "x"], 1, "feature_set"),
        (["predict"], 2, "Missing argument"),
        (["nope"], 2, "No such command 'nope'"),
        (["bars", "A", "--start", "soon"], 2, "--start"),
        (["replay", "--source", "nope"], 2, "needed one of bundled, csv, parquet"),
        (["replay", "/no/such.csv", "--source", "csv"], 2, "/no/such.csv"),
        (["train", "--nope"], 2, "--nope"),
        (["serve", "--nope"], 2, "nope"),
    ],
)
async def test_what_goes_wrong_is_said_and_ends_with_a_code(
    tickcast: Tickcast, arguments: list[str], code: int, said: str
) -> None:
    ended = await tickcast(*arguments)
    assert ended.code == code
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


async def test_a_batch_shows_what_it_can_and_says_what_it_cannot(
    tickcast: Tickcast, bars_file: Path
) -> None:
    replay = ("replay", str(bars_file), "--source", "csv", "--speed", "0")
    assert (await tickcast(*replay)).code == 0
    ended = await tickcast("predict", "AAPL", "NOPE", "--json")
    assert ended.code == 1
    good, bad = ended.json
    assert good["symbol"] == "AAPL"
    assert bad["reason"] == "SYMBOL_NOT_FOUND"


async def test_no_server_is_said_in_one_line(tmp_path: Path) -> None:
    ended = await run("--target", f"unix:{tmp_path}/nobody", "models")
    assert ended.code == ExitCode.SERVER_AWAY
    assert len(ended.err.splitlines()) == 1
    assert "UNAVAILABLE" in ended.err


async def test_help_names_every_command() -> None:
    shown = (await run("--help")).out
    commands = (
        "predict",
        "watch",
        "models",
        "symbols",
        "bars",
        "features",
        "replay",
        "train",
        "serve",
    )
    for command in commands:
        assert f"  {command} " in shown
    assert (await run("--version")).out.startswith("tickcast 0.")
