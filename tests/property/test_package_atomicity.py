"""Packages appear whole or not at all: under many writers, under readers, and under crashes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

from tickcast_modelkit.features import CORE
from tickcast_modelkit.package import (
    list_models,
    list_versions,
    read_aliases,
    read_package,
    set_alias,
)
from tickcast_modelkit.testing import write_tiny_package

WRITER = """
import sys
from pathlib import Path
from tickcast_modelkit.testing import write_tiny_package

repository, count, alias = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] or None
sys.stdin.readline()
for number in range(count):
    onnx = bytes([number]) * 200_000
    path = write_tiny_package(repository, onnx=onnx, predict=lambda f: f[:, 0], alias=alias)
    print(path.version, flush=True)
"""

# Kills itself at the n-th call that brings something to the disk or gives it its name.
CRASHING_WRITER = """
import os, signal, sys
from pathlib import Path
from tickcast_modelkit.testing import write_tiny_package

repository, steps = Path(sys.argv[1]), int(sys.argv[2])

def counted(call):
    def wrapper(*arguments, **keywords):
        global steps
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        steps -= 1
        return call(*arguments, **keywords)
    return wrapper

os.fsync, os.rename, os.replace = counted(os.fsync), counted(os.rename), counted(os.replace)
write_tiny_package(repository, onnx=b"model", predict=lambda f: f[:, 0], alias="champion")
"""


@contextmanager
def started(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that runs `code`, ended at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def check_every_package(repository: Path) -> int:
    """Read all that a reader finds, and return how many packages that is."""
    count = 0
    for name in list_models(repository):
        for version in list_versions(repository, name):
            package = read_package(repository / name / str(version))
            package.golden.replay(CORE, lambda features: features[:, 0])
            assert package.manifest.version == version
            count += 1
        assert set(read_aliases(repository, name).values()) <= set(list_versions(repository, name))
    return count


def test_writers_get_different_versions_and_a_reader_sees_whole_packages(tmp_path: Path) -> None:
    with ExitStack() as stack:
        writers = [
            stack.enter_context(started(WRITER, tmp_path, 6, alias))
            for alias in ("champion", "challenger", "")
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        counts = []
        while any(writer.poll() is None for writer in writers):
            counts.append(check_every_package(tmp_path))
        outputs = [writer.communicate()[0] for writer in writers]
        assert [writer.returncode for writer in writers] == [0, 0, 0]

    written = [[int(line) for line in output.split()] for output in outputs]
    assert all(versions == sorted(versions) for versions in written)
    assert sorted(chain(*written)) == list(range(1, 19))
    assert counts == sorted(counts)
    assert len(set(counts)) > 2, "the reader looked while packages were written"
    assert check_every_package(tmp_path) == 18
    aliases = {"champion": written[0][-1], "challenger": written[1][-1]}
    assert read_aliases(tmp_path, "tiny") == aliases


def test_aliases_that_are_set_at_once_are_all_kept(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from tickcast_modelkit.package import set_alias

sys.stdin.readline()
for number in range(20):
    set_alias(Path(sys.argv[1]), "tiny", f"{sys.argv[2]}-{number}", 1)
"""
    write_tiny_package(tmp_path, onnx=b"model", predict=lambda f: f[:, 0])
    with started(code, tmp_path, "a") as one, started(code, tmp_path, "b") as two:
        for writer in (one, two):
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        assert (one.wait(), two.wait()) == (0, 0)
    names = {f"{name}-{number}" for name in ("a", "b") for number in range(20)}
    assert read_aliases(tmp_path, "tiny") == dict.fromkeys(names | {"champion"}, 1)


def test_a_crash_anywhere_leaves_whole_packages_and_a_repository_to_write_to(
    tmp_path: Path,
) -> None:
    before = 0
    for steps in range(100):
        held = list_versions(tmp_path, "tiny")
        with started(CRASHING_WRITER, tmp_path, steps) as writer:
            writer.communicate()
        assert check_every_package(tmp_path) - len(held) in (0, 1)
        if writer.returncode == 0:
            break
        assert writer.returncode == -signal.SIGKILL
        before += 1
    assert before > 8, "a write has more steps than that"
    versions = list_versions(tmp_path, "tiny")
    set_alias(tmp_path, "tiny", "champion", versions[0])
    path = write_tiny_package(tmp_path, onnx=b"model", predict=lambda f: f[:, 0])
    assert path.version > max(versions)
    assert read_aliases(tmp_path, "tiny") == {"champion": path.version}
    assert check_every_package(tmp_path) == len(versions) + 1


def test_a_reader_needs_no_lock(tmp_path: Path) -> None:
    write_tiny_package(tmp_path, onnx=b"model", predict=lambda f: f[:, 0])
    code = """
import fcntl, sys
with open(sys.argv[1], "ab") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.readline()
"""
    with started(code, tmp_path / "tiny" / ".lock") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert check_every_package(tmp_path) == 1
        assert holder.poll() is None, "the lock was held while we read"
