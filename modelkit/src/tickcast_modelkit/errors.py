"""Everything that modelkit raises on purpose.

ModelkitError
├── InvalidTimeframe        a text is not a timeframe
├── InvalidSymbol           a text is not a symbol
├── InvalidBars             bars contradict themselves, their timeframe or their order
├── InvalidArray            an array has the wrong shape or type, or values that it cannot have
├── TooFewBars              fewer bars than the feature set needs
├── TooFewResiduals         fewer calibration rows than the coverage needs
├── UnknownFeatureSet       no feature set of that id is known
├── UnknownFeatureFunction  a feature set needs a function that is not at hand
├── InvalidFeatureFile      a file does not declare feature sets
├── FailedCheck             a feature set breaks a promise that all of them make
└── PackageError            a model package or repository cannot be used
    ├── UnknownVersion      the model has no version of that number
    ├── InvalidManifest     the manifest does not follow its schema
    ├── InvalidAliases      a model's aliases cannot be read, or an alias cannot be set
    ├── CorruptPackage      a file is missing, altered or not what it should be
    └── GoldenMismatch      features or predictions differ from those in the golden rows
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tickcast_modelkit.bars import BarProblem

_MOST_PROBLEMS_SHOWN = 20


class ModelkitError(Exception):
    """Base of all errors of this distribution."""


class InvalidTimeframe(ModelkitError, ValueError):
    """A text is not a timeframe."""


class InvalidSymbol(ModelkitError, ValueError):
    """A text is not a symbol."""


class InvalidBars(ModelkitError, ValueError):
    """Bars contradict themselves, their timeframe or their order."""

    def __init__(self, symbol: str, problems: Sequence[BarProblem]) -> None:
        self.symbol = symbol
        self.problems = tuple(problems)
        """Every problem, in the order of the rows; the message shows the first twenty."""
        shown = [str(problem) for problem in self.problems[:_MOST_PROBLEMS_SHOWN]]
        if hidden := len(self.problems) - len(shown):
            shown.append(f"and {hidden} more")
        super().__init__(f"{symbol}: " + "; ".join(shown))


class InvalidArray(ModelkitError, ValueError):
    """An array has the wrong shape or type, or values that it cannot have."""

    def __init__(self, name: str, *, was: str, needed: str) -> None:
        self.name = name
        super().__init__(f"{name}: was {was}, needed {needed}")


class TooFewBars(ModelkitError):
    """Fewer bars than the feature set needs."""

    def __init__(self, *, held: int, needed: int) -> None:
        self.held = held
        self.needed = needed
        super().__init__(f"bars: was {held}, needed at least {needed}")


class TooFewResiduals(ModelkitError):
    """Fewer calibration rows than the coverage needs."""

    def __init__(self, *, held: int, needed: int, coverage: float) -> None:
        self.held = held
        self.needed = needed
        super().__init__(f"residuals: was {held}, needed at least {needed} for coverage {coverage}")


class UnknownFeatureSet(ModelkitError, LookupError):
    """No feature set of that id is known."""

    def __init__(self, identity: str, known: Iterable[str]) -> None:
        self.identity = identity
        self.known = tuple(sorted(known))
        super().__init__(f"feature set: was {identity!r}, needed one of {', '.join(self.known)}")


class UnknownFeatureFunction(ModelkitError, LookupError):
    """A feature set needs a function that is not at hand."""


class InvalidFeatureFile(ModelkitError, ValueError):
    """A file does not declare feature sets."""

    def __init__(self, path: Path, finding: str) -> None:
        self.path = path
        super().__init__(f"{path}: {finding}")


class FailedCheck(ModelkitError, AssertionError):
    """A feature set breaks a promise that all of them make."""

    def __init__(self, check: str, finding: str) -> None:
        self.check = check
        super().__init__(f"{check}: {finding}")


class PackageError(ModelkitError):
    """A model package or repository cannot be used."""


class UnknownVersion(PackageError, LookupError):
    """The model has no version of that number."""

    def __init__(self, name: str, version: int, held: Sequence[int]) -> None:
        self.name = name
        self.version = version
        versions = ", ".join(map(str, held)) or "none yet"
        super().__init__(f"version of {name}: was {version}, needed one of: {versions}")


class InvalidManifest(PackageError, ValueError):
    """The manifest does not follow its schema."""

    def __init__(self, path: str, *, was: str, needed: str) -> None:
        self.path = path
        """Where in the document, for example ``$.evaluation.scores[1].rmse``."""
        self.was = was
        self.needed = needed
        super().__init__(f"manifest.json: {path}: was {was}, needed {needed}")


class InvalidAliases(PackageError, ValueError):
    """A model's aliases cannot be read, or an alias cannot be set."""


class CorruptPackage(PackageError):
    """A file of a package is missing, altered or not what it should be."""

    def __init__(self, file: str, *, was: str, needed: str) -> None:
        self.file = file
        super().__init__(f"{file}: was {was}, needed {needed}")


class GoldenMismatch(PackageError):
    """Features or predictions differ from those in the golden rows."""
