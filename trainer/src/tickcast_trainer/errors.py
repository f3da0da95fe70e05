"""What training refuses, and why.

::

    TrainerError
    ├── InvalidSettings          a flag, a variable or the settings file cannot be used
    ├── BarSourceError           bars cannot be read
    │   ├── UnknownBarSource     no installed source has this name
    │   ├── BarsNotFound         nothing to read at the location given
    │   ├── MissingColumns       a file lacks columns that every bar needs
    │   └── UnusableRows         rows that are not bars, each named by file, row and column
    ├── RepositoryNotWritable    packages cannot be written where they are to go
    ├── NotEnoughHistory         too few bars to train and to test on
    └── ExportFailed             the fitted model and its ONNX graph do not agree

All but ExportFailed are the caller's to mend, and the program ends with exit code 2; ExportFailed
ends it with exit code 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

_SHOWN = 20


class TrainerError(Exception):
    """Base of everything that training refuses; the text is for the person at the terminal."""

    exit_code: ClassVar[int] = 2


class InvalidSettings(TrainerError):
    """A flag, an environment variable or a key of the settings file cannot be used."""


class BarSourceError(TrainerError):
    """Bars cannot be read from a source."""


class UnknownBarSource(BarSourceError):
    """No installed bar source has the name asked for."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"source: was {name!r}, needed one of {', '.join(sorted(known))}")


class BarsNotFound(BarSourceError):
    """There is nothing to read at the location given."""


class MissingColumns(BarSourceError):
    """A file lacks columns that every bar needs."""

    def __init__(self, location: str, found: Sequence[str], missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(
            f"{location}: columns were {', '.join(found) or 'none'}; "
            f"needed also {', '.join(missing)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """One value of one row that cannot be part of a bar."""

    location: str
    """File, as the user named it."""

    row: int
    """Counted from 1: the line of a text file, whose header is line 1, or the Parquet row."""

    column: str
    """Column of the file."""

    was: str
    """The value found."""

    needed: str
    """What a bar needs there."""

    def __str__(self) -> str:
        return (
            f"{self.location}, row {self.row}, column {self.column}: "
            f"was {self.was}, needed {self.needed}"
        )


class UnusableRows(BarSourceError):
    """Rows that are not bars. Carries every one of them; the text shows the first 20."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.location, p.row)))
        lines = [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"and {len(self.problems) - _SHOWN} more")
        super().__init__("\n".join(lines))


class RepositoryNotWritable(TrainerError):
    """Packages cannot be written where they are to go."""


class NotEnoughHistory(TrainerError):
    """Too few bars to train on some and to test on others."""


class ExportFailed(TrainerError):
    """The ONNX graph does not compute what the fitted model computes."""

    exit_code: ClassVar[int] = 1
