"""Files that are made from the layer below, and can be made again: of silver and of gold.

An index beside them says which files there are, from what each was made (a digest of its inputs)
and what is in it (the digest of its rows). Every file is put in place whole, and the index after
it: a build that is interrupted goes on where it was, and a reader sees rows of before or after.
"""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from tickcast_modelkit.durable_files import replace_durably

from tickcast_trainer.data.errors import CorruptPartition
from tickcast_trainer.data.sealed import content_digest, read_sealed, write_sealed

INDEX_FILE = "index.json"

_log = logging.getLogger(__name__)


class Made(NamedTuple):
    """How a file was made."""

    inputs: str
    """Digest of all that it was made from."""

    digest: str
    """Digest of its rows."""


class DerivedFiles:
    """The files of one series in one layer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = _read_index(folder / INDEX_FILE)

    @property
    def index(self) -> dict[str, Made]:
        """Name below the folder to how the file was made."""
        return dict(self._index)

    def is_current(self, name: str, inputs: str) -> bool:
        """Whether the file was made from ``inputs`` and is there; its rows are not read."""
        made = self._index.get(name)
        return made is not None and made.inputs == inputs and (self.folder / name).exists()

    def read(self, name: str) -> pa.Table:
        """Return a file's rows. Raises CorruptPartition when it is not what the index tells."""
        table, digest = read_sealed(self.folder / name)
        made = self._index.get(name)
        if made is None or made.digest != digest:
            raise CorruptPartition(self.folder / name, "of other rows than its index tells")
        return table

    def write(self, name: str, table: pa.Table, inputs: str) -> bool:
        """Bring the rows into place; whether the file had to be written."""
        digest = content_digest(table)
        written = not self._holds(name, digest)
        if written:
            write_sealed(self.folder / name, table)
        made = Made(inputs, digest)
        if self._index.get(name) != made:
            self._index[name] = made
            self._write_index()
        return written

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget and remove every other file."""
        surplus = self._index.keys() - set(names)
        if not surplus:
            return
        for name in surplus:
            del self._index[name]
        self._write_index()
        for name in surplus:
            (self.folder / name).unlink(missing_ok=True)

    def damaged(self) -> list[CorruptPartition]:
        """Read every file; return those that are not what the index tells."""
        found = []
        for name in sorted(self._index):
            try:
                self.read(name)
            except CorruptPartition as error:
                found.append(error)
        return found

    def _holds(self, name: str, digest: str) -> bool:
        path = self.folder / name
        if not path.exists():
            return False
        try:
            return read_sealed(path)[1] == digest
        except CorruptPartition as error:
            _log.warning("%s; it is made again from the layer below", error)
            return False

    def _write_index(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        entries = {name: made._asdict() for name, made in sorted(self._index.items())}
        content = json.dumps(entries, indent=1) + "\n"
        replace_durably(self.folder / INDEX_FILE, content.encode())


def _read_index(path: Path) -> dict[str, Made]:
    try:
        entries = json.loads(path.read_bytes())
        return {str(name): Made(**made) for name, made in entries.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        # It can be made again, like all that it lists.
        _log.warning("%s: was no index (%s); the files are made again", path, error)
        return {}
