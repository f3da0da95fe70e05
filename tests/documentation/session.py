"""A user who follows a page: types its commands, writes its files, runs its Python, in order."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from tickcast_server.testing import free_address

from tests.documentation.blocks import COMMANDS, ROOT, Block, blocks_of, commands_of
from tests.documentation.not_run import is_run

PROGRAMS = Path(sys.executable).parent
PYTHON = (sys.executable, "-W", "error")
STOCK_CLIENT = (str(ROOT / ".venv-triton" / "bin" / "python"),)

# What pages say, which another server may have on this machine.
ADDRESS, HTTP_ADDRESS = "localhost:50051", "localhost:8080"
METRICS_ADDRESS, REDIS_ADDRESS = "localhost:9464", "localhost:6379"
ADDRESSES = (ADDRESS, HTTP_ADDRESS, METRICS_ADDRESS, REDIS_ADDRESS)

# Settings that make a run quick and change nothing of what is typed.
QUICK = {
    "TICKCAST_TRAIN_ESTIMATORS": "ridge",
    "TICKCAST_TRAIN_FOLDS": "2",
    "TICKCAST_TRAIN_LEAK_CHECK": "false",
    "TICKCAST_TRAIN_REPORT": "false",
    "TICKCAST_TRAIN_XGBOOST__TREES": "10",
    "TICKCAST_MODEL__POLL": "0.05",
}
# Programs that run until they are stopped, and the address on which they then answer.
SERVERS = {"tickcast serve": ADDRESS, "redis-server": REDIS_ADDRESS}
# What a stream of events is asked for with; it ends when its reader leaves.
STREAMS = re.compile(r"Service/Stream|^tickcast watch(?!.* --seconds)")
ASSIGNMENTS = re.compile(r"(\w+=\S+ +(\\\n *)?)*")
# The title of a block that shows what the commands before it print.
PRINTS = "prints"
SHELL = ("bash", "-euo", "pipefail", "-c")
SECONDS = 120


@dataclass(kw_only=True)
class Session:
    """One reader of one page."""

    folder: Path
    """Where everything is typed."""

    addresses: Mapping[str, str] = field(
        default_factory=lambda: {address: free_address() for address in ADDRESSES}
    )
    """What pages say, and where it is here."""

    before: str = ""
    """Python of a model from elsewhere that the page takes as given."""

    variables: Mapping[str, str] = field(default_factory=dict)
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        await self._running.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.__aexit__(kind, error, trace)

    async def follow(self, page: str) -> list[str]:
        """Does what each block of a page says; returns what each step printed."""
        said: list[str] = []
        for kind, group in groupby(blocks_of(page), key=step):
            blocks = list(group)
            match kind:
                case "commands":
                    said += [await self.type(block) for block in blocks]
                case "python":
                    said.append(await self.run(blocks, *PYTHON))
                case "stock client":
                    said.append(await self.run(blocks, *STOCK_CLIENT, before=self.before))
                case "file":
                    for block in blocks:
                        self.write(block)
                case "prints":
                    for block in blocks:
                        compare(block, said[-1])
        return said

    async def type(self, block: Block) -> str:
        """Types the commands of a block into a shell; servers go on running beside it."""
        said, typed = "", list[str]()
        for command in commands_of(block):
            if not is_run(block.page, command):
                continue
            if address := served_by(command):
                said += await self.finished(block, *SHELL, self.here("\n".join(typed)))
                typed.clear()
                await self.serve(self.here(command), self.addresses[address])
            elif STREAMS.search(command):
                said += await self.first_line(block, command)
            else:
                typed.append(command)
        return said + await self.finished(block, *SHELL, self.here("\n".join(typed)))

    async def run(self, blocks: Sequence[Block], *python: str, before: str = "") -> str:
        """Runs Python blocks that follow each other as one program."""
        if not shutil.which(python[0]):
            pytest.skip(f"needs {python[0]}, which make test makes")
        program = self.here("".join([before, *(block.text for block in blocks)]))
        return await self.finished(blocks[0], *python, "-c", program)

    def write(self, block: Block) -> None:
        """Writes the file that a block is."""
        file = self.folder / block.title
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.here(block.text))

    async def serve(self, command: str, address: str) -> None:
        """Starts a program that runs until the page has ended, and waits until it answers."""
        program = ASSIGNMENTS.sub("", command, count=1)
        variables = command.removesuffix(program)
        process = await self.start("bash", "-c", f"{variables}exec {program}")
        self._running.push_async_callback(stop, process)
        host, port = address.rsplit(":", 1)
        async with asyncio.timeout(SECONDS):
            while not await answers(host, int(port)):
                assert process.returncode is None, f"{command}: ended with {process.returncode}"
                await asyncio.sleep(0.05)

    async def first_line(self, block: Block, command: str) -> str:
        """The first line of a stream, whose reader then leaves."""
        process = await self.start("bash", "-c", f"exec {self.here(command)}", output=PIPE)
        assert process.stdout
        try:
            async with asyncio.timeout(SECONDS):
                line = await process.stdout.readline()
        finally:
            process.terminate()
            await process.communicate()
        assert line, f"{block.place}:\n{command}\nsaid nothing"
        return line.decode()

    async def finished(self, block: Block, *command: str) -> str:
        """What a program prints that must succeed."""
        process = await self.start(*command, output=PIPE, errors=PIPE)
        async with asyncio.timeout(SECONDS):
            output, errors = (text.decode() for text in await process.communicate())
        assert process.returncode == 0, f"{block.place}:\n{command[-1]}\n{output}{errors}"
        return output

    async def start(
        self, *command: str, output: int | None = None, errors: int | None = None
    ) -> Process:
        """Starts a program as the reader of the page would."""
        return await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self.environment(), stdout=output, stderr=errors
        )

    def environment(self) -> dict[str, str]:
        """The variables of the reader's shell."""
        return {
            **os.environ,
            **QUICK,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "TICKCAST_TARGET": self.addresses[ADDRESS],
            "TICKCAST_ADDRESS": self.addresses[ADDRESS],
            "TICKCAST_METRICS_ADDRESS": self.addresses[METRICS_ADDRESS],
            **self.variables,
        }

    def here(self, text: str) -> str:
        """What a page says, with the addresses of this session."""
        for said, address in self.addresses.items():
            port, here = said.rpartition(":")[2], address.rpartition(":")[2]
            for form in (said, f"127.0.0.1:{port}"):
                text = text.replace(form, address)
            text = text.replace(f"--port {port}", f"--port {here}")
        return text


def step(block: Block) -> str:
    """What a reader does with a block."""
    if block.title:
        return "prints" if block.title == PRINTS else "file"
    if block.language in COMMANDS:
        return "commands"
    if block.language != "python":
        return "read"
    return "stock client" if re.search("triton|onnx", block.text) else "python"


def served_by(command: str) -> str:
    """Where a command that runs until it is stopped answers; empty for any other."""
    program = ASSIGNMENTS.sub("", command, count=1)
    return next((SERVERS[name] for name in SERVERS if program.startswith(name)), "")


def compare(block: Block, said: str) -> None:
    """Fails unless each line of the block was printed, numbers aside; `...` leaves lines out."""
    printed = {shape(line) for line in said.splitlines()}
    for line in block.text.splitlines():
        if line.strip() not in {"", "..."}:
            assert shape(line) in printed, f"{block.place}: {line!r} is not in\n{said}"


def shape(line: str) -> str:
    """A line without its numbers, rules and spaces."""
    return re.sub(r"[\s─━]+", " ", re.sub(r"[-+]?\d[\d.,]*", "0", line)).strip()


async def answers(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def stop(process: Process) -> None:
    """Ends a program in its orderly way."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(SECONDS):
        await process.wait()
