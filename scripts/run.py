"""What `make run` does: trains on bundled bars, serves, replays the last year, shows predictions.

RUN_SECONDS=30 ends the show by itself; without it, Ctrl-C does. Every program it starts has ended
when it ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path(sys.executable).parent
DATA = Path(".tickcast/run")
MODELS = DATA / "models"
ADDRESS = os.environ.get("TICKCAST_ADDRESS", "127.0.0.1:50051")
HTTP_PORT = 8080
MODEL = "models/daily-ridge"
PAGE = Path("server/src/tickcast_server/page/index.html")

# The bundled bars end on 2013-03-01; the model sees none of the year that is replayed.
LAST_YEAR = "2012-03-01"
STEPS = 252
HISTORY = 300

READY_SECONDS = 60


def main() -> int:
    """Returns the exit code: that of the first program that fails, otherwise 0."""
    seconds = os.environ.get("RUN_SECONDS", "")
    speed = max(STEPS / max(float(seconds) - 6, 1), 5) if seconds else 5
    shutil.rmtree(DATA, ignore_errors=True)
    trained = run(
        *("tickcast", "train", "--source", "bundled", "--name", "daily", "--until", LAST_YEAR),
        *("--models", str(MODELS), "--promote"),
    )
    if trained:
        return trained
    http_address = os.environ.get("TICKCAST_HTTP_ADDRESS") or free_address(HTTP_PORT)
    with serving(http_address) as server:
        if not ready(server):
            print(f"the server did not start; its log is {DATA / 'server.log'}", file=sys.stderr)
            return 1
        print(f"gRPC at {ADDRESS}; JSON, Connect and gRPC-Web at http://{http_address}")
        if PAGE.exists():
            print(f"live page at http://{http_address}/")
        replay = ("tickcast", "--target", ADDRESS, "replay", "--source", "bundled")
        year = ("--start", LAST_YEAR, "--history", str(HISTORY), "--speed", f"{speed:.1f}")
        # History first, so that the show begins with the year itself.
        if failed := run(*replay, *year, "--end", LAST_YEAR):
            return failed
        with started((*replay, *year), log=DATA / "replay.log"):
            ending = ("--seconds", seconds) if seconds else ()
            return run("tickcast", "--target", ADDRESS, "watch", "--model", MODEL, *ending)


def run(*command: str) -> int:
    """Runs a program of ours in the foreground."""
    with subprocess.Popen([PROGRAMS / command[0], *command[1:]]) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has sent it to the program as well.
            process.wait()
            return 0


def free_address(port: int) -> str:
    """This machine at `port`, or at another port when something listens on that one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def serving(http_address: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the models just trained."""
    variables = {
        "TICKCAST_ADDRESS": ADDRESS,
        "TICKCAST_HTTP_ADDRESS": http_address,
        "TICKCAST_DATA": str(DATA),
        "TICKCAST_MODELS": str(MODELS),
    }
    with started(("tickcast-server",), log=DATA / "server.log", variables=variables) as server:
        yield server


@contextmanager
def started(
    command: tuple[str, ...], *, log: Path, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of ours in the background, ended with SIGTERM at the end."""
    with log.open("wb") as output:
        # A session of its own, so that Ctrl-C reaches it through us, in order.
        process = subprocess.Popen(
            [PROGRAMS / command[0], *command[1:]],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(variables or {})},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def ready(server: subprocess.Popen[bytes]) -> bool:
    """Waits until the server is healthy."""
    deadline = time.monotonic() + READY_SECONDS
    probe = [str(PROGRAMS / "tickcast-health"), "--address", ADDRESS]
    while server.poll() is None and time.monotonic() < deadline:
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    sys.exit(main())
