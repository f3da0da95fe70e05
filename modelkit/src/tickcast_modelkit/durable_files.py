"""Files that are there as a whole, or not at all, also after a power cut."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".tmp-"


def write_durably(path: Path, content: bytes) -> None:
    """Write a new file and bring its content to the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_durably(path: Path, content: bytes) -> None:
    """Put a file in the place of another: a reader sees the old content or the new."""
    temporary = path.with_name(temporary_name())
    try:
        write_durably(temporary, content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Bring a folder's list of names to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_name() -> str:
    """Return a hidden name that no other process chooses."""
    return f"{_PREFIX}{secrets.token_hex(8)}"


def remove_abandoned(folder: Path, *, older_than: float) -> None:
    """Remove what a crash left under temporary names, once it is ``older_than`` seconds old."""
    latest = time.time() - older_than
    for entry in folder.glob(f"{_PREFIX}*"):
        if entry.stat().st_mtime > latest:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Hold a lock against every other process; waits for it. It ends with the process."""
    with lock_file.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
