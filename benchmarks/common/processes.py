"""Servers as processes: started, measured, ended."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil

_END_SECONDS = 30
_READY_SECONDS = 60


class NotReady(RuntimeError):
    """A server has ended or does not answer. The message holds what it said last."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """A process of a benchmark and those that it started."""

    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises `NotReady` when it has ended."""
        if self.process.poll() is not None:
            raise NotReady(
                f"{self.process.args!r} ended with {self.process.returncode}:\n"
                + self.log.read_text(errors="replace")[-2_000:]
            )

    def resident_bytes(self, *, program: str = "python") -> int:
        """Memory of those processes whose program has this name, the store's not among Python's."""
        return sum(
            item.memory_info().rss for item in self._family() if item.name().startswith(program)
        )

    def processor_seconds(self) -> float:
        """User and system time of all of them so far."""
        return sum(sum(item.cpu_times()[:2]) for item in self._family())

    def _family(self) -> list[psutil.Process]:
        head = psutil.Process(self.process.pid)
        return [head, *head.children(recursive=True)]


@contextmanager
def started(
    command: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[Running]:
    """Runs a program until the block ends; what it says is kept for an error alone."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(variables or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Running(process=process, log=Path(log.name))
        finally:
            end(process)


@contextmanager
def python(
    *arguments: str, count: int = 1, variables: Mapping[str, str] | None = None
) -> Iterator[list[Running]]:
    """The same Python program, several times."""
    with ExitStack() as stack:
        command = (sys.executable, *arguments)
        yield [stack.enter_context(started(command, variables=variables)) for _ in range(count)]


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process with SIGTERM, after half a minute with SIGKILL, then what it left behind."""
    started_by_it = _children(process.pid)
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(started_by_it, timeout=1.0)
    for one in left:
        with suppress(psutil.NoSuchProcess):
            one.kill()


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def wait_until_connected(running: Running, address: str, seconds: float = _READY_SECONDS) -> None:
    """Returns once gRPC answers at `address`. Raises `NotReady`."""
    deadline = time.monotonic() + seconds
    with grpc.insecure_channel(address) as channel:
        ready = grpc.channel_ready_future(channel)
        while True:
            running.check()
            try:
                ready.result(timeout=0.25)
            except grpc.FutureTimeoutError:
                if time.monotonic() > deadline:
                    raise NotReady(f"{address} did not answer within {seconds:.0f} s") from None
            else:
                return
