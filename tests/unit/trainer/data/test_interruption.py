"""An import that is killed leaves whole files, and the next one ends where it would have ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

# The arrival is fixed, so that an interrupted import and one in one go can be compared by bytes.
# The kill comes from inside, as the so-manieth file is about to be put in its place: what is
# written by then is on the disk under a temporary name.
_IMPORT = """
import os, signal, sys, time
from pathlib import Path
from tickcast_trainer.data.arrivals import ImportRequest
from tickcast_trainer.data.importing import run_import
from tickcast_trainer.data.silent import Silent
from tickcast_trainer.sources.remote import RemoteContext

root, left = Path(sys.argv[1]), int(sys.argv[2])

def kill_at_last(event, _arguments):
    global left
    if event == "os.rename":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

context = RemoteContext(
    environment={}, cache=root / "cache", max_age_seconds=0.0, clock=lambda: 1.8e9, sleep=time.sleep
)
sys.addaudithook(kill_at_last)
run_import(ImportRequest(root=root, sources=("bundled",)), context, Silent())
print(-left)
"""
_NEVER = "0"


def run(root: Path, kill_at: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _IMPORT, str(root), kill_at],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def contents(root: Path) -> dict[str, bytes]:
    """Every file but those under temporary names, and the lock."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """What an import leaves, and how many files it put in place on the way."""
    root = tmp_path_factory.mktemp("in-one-go")
    done = run(root, _NEVER)
    assert done.returncode == 0, done.stderr
    return contents(root), int(done.stdout)


@pytest.mark.parametrize("share", [0.0, 0.15, 0.4, 0.7, 1.0])
def test_killed_and_repeated_it_is_as_in_one_go(
    tmp_path: Path, in_one_go: tuple[dict[str, bytes], int], share: float
) -> None:
    whole, renames = in_one_go
    assert run(tmp_path, str(1 + int(share * (renames - 1)))).returncode == -signal.SIGKILL
    left = contents(tmp_path)
    assert left != whole
    assert all(left[name] == whole[name] for name in left if name.endswith(".parquet"))
    assert run(tmp_path, _NEVER).returncode == 0
    assert contents(tmp_path) == whole
