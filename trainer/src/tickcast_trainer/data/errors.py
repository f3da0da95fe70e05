"""What the data room refuses, and why.

::

    TrainerError
    ├── InvalidArguments         an argument of ``tickcast data`` cannot be used
    ├── InvalidPrecedence        the file that orders the sources cannot be used
    └── BarSourceError           bars cannot be read
        ├── NothingHeld          the folder holds no such bars
        └── CorruptPartition     a file of a layer is not what was written

The caller can mend all of them, and the program ends with exit code 2.
"""

from collections.abc import Sequence
from pathlib import Path

from tickcast_trainer.errors import BarSourceError, TrainerError


class InvalidArguments(TrainerError):
    """An argument of ``tickcast data`` cannot be used."""


class InvalidPrecedence(TrainerError):
    """The file that orders the sources cannot be used."""


class NothingHeld(BarSourceError):
    """The data folder holds no bars of what was asked for."""

    def __init__(self, field: str, was: str, held: Sequence[str]) -> None:
        needed = f"one of {', '.join(held)}" if held else "bars: tickcast data import brings some"
        super().__init__(f"{field}: was {was}, needed {needed}")


class CorruptPartition(BarSourceError):
    """A file of a layer is not what was written: cut short, altered, or no Parquet at all."""

    def __init__(self, path: Path, was: str) -> None:
        self.path = path
        super().__init__(f"{path}: was {was}, needed the file as it was written")
