"""Which files a location means: one file, or every file of a kind in a folder."""

from collections.abc import Sequence
from pathlib import Path

from tickcast_trainer.errors import BarsNotFound


def find_files(location: str, *, suffixes: Sequence[str]) -> list[Path]:
    """Return the file, or the folder's files with one of ``suffixes``, ordered by name.

    Raises BarsNotFound when there is no such path or no such file in the folder.
    """
    needed = " or ".join(f"*{suffix}" for suffix in suffixes)
    path = Path(location)
    if not location or not path.exists():
        raise BarsNotFound(
            f"path: was {location or 'absent'}, needed a file or a folder of {needed}"
        )
    if path.is_file():
        return [path]
    files = sorted(file for file in path.iterdir() if file.name.lower().endswith(tuple(suffixes)))
    if not files:
        raise BarsNotFound(f"path: was the folder {location}, which holds no {needed}")
    return files


def symbol_of(path: Path) -> str:
    """Return the symbol that a file without a symbol column holds: its name before the suffix."""
    name = path.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name
