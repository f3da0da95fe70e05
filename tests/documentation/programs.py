"""Programs that the reader of a page starts: those that end, streams, and servers."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120

# What stands before a command: X=1 Y=2 tickcast serve.
ASSIGNMENTS = re.compile(r"(\w+=\S+ +(\\\n *)?)*")


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Programs in one folder, with the variables of one shell."""

    folder: Path
    variables: Mapping[str, str]

    async def finish(self, *command: str) -> str:
        """What a program prints on standard output, which must succeed."""
        async with self.running(*command, output=PIPE, errors=PIPE) as process:
            async with asyncio.timeout(SECONDS):
                output, errors = (text.decode() for text in await process.communicate())
        assert process.returncode == 0, f"{command[-1]}\n{output}{errors}"
        return output

    async def first_line(self, command: str) -> str:
        """The first line of a stream, whose reader then leaves."""
        async with self.running("bash", "-c", f"exec {command}", output=PIPE) as process:
            assert process.stdout
            async with asyncio.timeout(SECONDS):
                line = await process.stdout.readline()
        assert line, f"{command}\nsaid nothing"
        return line.decode()

    @asynccontextmanager
    async def serving(self, command: str, address: str) -> AsyncIterator[None]:
        """A program that answers on an address, and runs until it is stopped."""
        program = ASSIGNMENTS.sub("", command, count=1)
        variables = command.removesuffix(program)
        host, port = address.rsplit(":", 1)
        async with self.running("bash", "-c", f"{variables}exec {program}") as process:
            async with asyncio.timeout(SECONDS):
                while not await answers(host, int(port)):
                    assert process.returncode is None, f"{command}\nended by itself"
                    await asyncio.sleep(0.05)
            yield

    @asynccontextmanager
    async def running(
        self, *command: str, output: int | None = None, errors: int | None = None
    ) -> AsyncIterator[Process]:
        """A program that has ended at the end."""
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self.variables, stdout=output, stderr=errors
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                await process.communicate()


async def answers(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
