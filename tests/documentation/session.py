"""A reader who follows a page: types its commands, writes its files, runs its Python, in order."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pytest
from tickcast_server.testing import free_address

from tests.documentation.blocks import COMMANDS, ROOT, Block, blocks_of, commands_of
from tests.documentation.not_run import is_run
from tests.documentation.programs import ASSIGNMENTS, Programs

PYTHON = (sys.executable, "-W", "error")
STOCK_CLIENT = (str(ROOT / ".venv-triton" / "bin" / "python"),)
SHELL = ("bash", "-euo", "pipefail", "-c")

# What pages say, where another server may run on this machine.
ADDRESS, HTTP_ADDRESS = "localhost:50051", "localhost:8080"
METRICS_ADDRESS, REDIS_ADDRESS = "localhost:9464", "localhost:6379"
ADDRESSES = (ADDRESS, HTTP_ADDRESS, METRICS_ADDRESS, REDIS_ADDRESS)

# Programs that run until they are stopped, and the address on which they then answer.
SERVERS = {"tickcast serve": ADDRESS, "redis-server": REDIS_ADDRESS}
# What asks for a stream of events, which ends when its reader leaves.
STREAMS = re.compile(r"Service/Stream|^tickcast watch(?!.* --seconds)")
# The title of a block that shows what the commands before it print.
PRINTS = "prints"

# Settings that make a run quick, and change nothing of what is typed.
QUICK = {
    "TICKCAST_TRAIN_ESTIMATORS": "ridge",
    "TICKCAST_TRAIN_FOLDS": "2",
    "TICKCAST_TRAIN_LEAK_CHECK": "false",
    "TICKCAST_TRAIN_REPORT": "false",
    "TICKCAST_TRAIN_XGBOOST__TREES": "10",
    "TICKCAST_MODEL__POLL": "0.05",
}


@dataclass(frozen=True, kw_only=True)
class Session:
    """One reader of one page."""

    folder: Path
    """Where everything is typed."""

    running: AsyncExitStack
    """Ends the servers that the reader starts."""

    addresses: Mapping[str, str] = field(
        default_factory=lambda: {address: free_address() for address in ADDRESSES}
    )
    """What pages say, and where it is here."""

    variables: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    """Python of a model from elsewhere that the page takes as given."""

    async def follow(self, page: str) -> list[str]:
        """Does what each block of a page says; returns what each step printed."""
        said: list[str] = []
        for kind, group in groupby(blocks_of(page), key=step):
            blocks = list(group)
            try:
                said += await self.take(kind, blocks, said)
            except AssertionError as error:
                error.add_note(f"in {blocks[0].place}")
                raise
        return said

    async def take(self, kind: str, blocks: Sequence[Block], said: Sequence[str]) -> list[str]:
        """Takes one step of a page, after what was said before; returns what it prints."""
        match kind:
            case "commands":
                return [await self.type(block) for block in blocks]
            case "python":
                return [await self.run(blocks, *PYTHON)]
            case "stock client":
                return [await self.run(blocks, *STOCK_CLIENT, before=self.before)]
            case "file":
                for block in blocks:
                    self.write(block)
            case "prints":
                for block in blocks:
                    compare(block, said[-1])
        return []

    async def type(self, block: Block) -> str:
        """Types the commands of a block; servers go on running beside those that follow."""
        said = ""
        typed = [command for command in commands_of(block) if is_run(block.page, command)]
        for kind, group in groupby(typed, key=sort_of):
            commands = list(map(self.here, group))
            match kind:
                case "server":
                    for command in commands:
                        address = self.addresses[SERVERS[program_of(command)]]
                        serving = self.programs().serving(command, address)
                        await self.running.enter_async_context(serving)
                case "stream":
                    for command in commands:
                        said += await self.programs().first_line(command)
                case _:
                    said += await self.programs().finish(*SHELL, "\n".join(commands))
        return said

    async def run(self, blocks: Sequence[Block], *python: str, before: str = "") -> str:
        """Runs Python blocks that follow each other as one program."""
        if not shutil.which(python[0]):
            pytest.skip(f"needs {python[0]}, which make test makes")
        program = "".join([before, *(block.text for block in blocks)])
        return await self.programs().finish(*python, "-c", self.here(program))

    def write(self, block: Block) -> None:
        """Writes the file that a block is."""
        (self.folder / block.title).write_text(self.here(block.text))

    def programs(self) -> Programs:
        """The shell of the reader."""
        own = Path(sys.executable).parent
        variables = {
            **os.environ,
            **QUICK,
            "PATH": f"{own}{os.pathsep}{os.environ['PATH']}",
            "TICKCAST_TARGET": self.addresses[ADDRESS],
            "TICKCAST_ADDRESS": self.addresses[ADDRESS],
            "TICKCAST_METRICS_ADDRESS": self.addresses[METRICS_ADDRESS],
            **self.variables,
        }
        return Programs(folder=self.folder, variables=variables)

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


def sort_of(command: str) -> str:
    """How a command ends: as a server or a stream does, when it is stopped, or by itself."""
    if program_of(command):
        return "server"
    return "stream" if STREAMS.search(command) else "shell"


def program_of(command: str) -> str:
    """The server that a command starts; empty for any other."""
    program = ASSIGNMENTS.sub("", command, count=1)
    return next((name for name in SERVERS if program.startswith(name)), "")


def compare(block: Block, said: str) -> None:
    """Fails unless each line of the block was printed, numbers aside; `...` leaves lines out."""
    printed = {shape(line) for line in said.splitlines()}
    for line in block.text.splitlines():
        if line.strip() not in {"", "..."}:
            assert shape(line) in printed, f"{line!r} is not in\n{said}"


def shape(line: str) -> str:
    """A line without its numbers, rules and spaces."""
    return re.sub(r"[\s─━]+", " ", re.sub(r"[-+]?\d[\d.,]*", "0", line)).strip()
