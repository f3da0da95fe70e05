"""Whether Python and the libraries are those that the installed distributions were made for."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tickcast.cli.doctor.finding import Finding, ok, problem

# Each with the extra that this program needs of it.
_DISTRIBUTIONS = {
    "tickcast": "cli",
    "tickcast-modelkit": "",
    "tickcast-server": "",
    "tickcast-trainer": "",
}


def check() -> Iterator[Finding]:
    """Those of ours that are installed here."""
    for name, extra in _DISTRIBUTIONS.items():
        try:
            yield from compare(distribution(name), extra=extra)
        except PackageNotFoundError:
            continue


def compare(installed: Distribution, *, extra: str) -> Iterator[Finding]:
    """What one distribution needs, with what is here."""
    name = installed.name
    python = installed.metadata["Requires-Python"] or ""
    wrong = list(_wrong(installed, extra))
    fits = SpecifierSet(python).contains(platform.python_version())
    if not fits:
        yield problem(
            "libraries",
            f"Python is {platform.python_version()}, {name} needs {python}",
            f"make an environment with such a Python, and install {name} there",
        )
    for requirement, found in wrong:
        yield problem(
            "libraries",
            f"{requirement.name} is {found}, {name} needs {requirement.specifier or 'it'}",
            f"pip install '{requirement.name}{requirement.specifier}'",
        )
    if fits and not wrong:
        yield ok(
            "libraries",
            f"{name} {installed.version} on Python {platform.python_version()} "
            "has the libraries that it needs",
        )


def _wrong(installed: Distribution, extra: str) -> Iterator[tuple[Requirement, str]]:
    for text in installed.requires or ():
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        try:
            found = distribution(requirement.name).version
        except PackageNotFoundError:
            yield requirement, "not installed"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield requirement, found
