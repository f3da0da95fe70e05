"""An import that is killed leaves whole files, and the next one ends where it would have ended."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# The arrival is fixed, so that an interrupted import and one in one go can be compared by bytes.
_IMPORT = """
import sys, time
from pathlib import Path
from tickcast_trainer.data.arrivals import ImportRequest
from tickcast_trainer.data.importing import run_import
from tickcast_trainer.data.silent import Silent
from tickcast_trainer.sources.remote import RemoteContext

root = Path(sys.argv[1])
context = RemoteContext(
    environment={}, cache=root / "cache", max_age_seconds=0.0, clock=lambda: 1.8e9, sleep=time.sleep
)
run_import(ImportRequest(root=root, sources=("bundled",)), context, Silent())
"""


def start(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _IMPORT, str(root)])


def written(root: Path) -> list[Path]:
    return sorted(root.rglob("*.parquet"))


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("in-one-go")
    assert start(root).wait(timeout=60) == 0
    return contents(root)


# Of 54 files in each layer: while bronze, silver and gold are written.
@pytest.mark.parametrize("files", [1, 50, 60, 100, 140])
def test_killed_and_repeated_it_is_as_in_one_go(
    tmp_path: Path, in_one_go: dict[str, bytes], files: int
) -> None:
    process = start(tmp_path)
    deadline = time.monotonic() + 60
    while len(written(tmp_path)) < files and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    left = written(tmp_path)
    assert files <= len(left) < sum(name.endswith(".parquet") for name in in_one_go)
    for path in left:
        assert path.read_bytes() == in_one_go[path.relative_to(tmp_path).as_posix()]
    assert start(tmp_path).wait(timeout=60) == 0
    assert contents(tmp_path) == in_one_go
