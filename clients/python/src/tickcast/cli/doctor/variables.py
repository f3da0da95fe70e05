"""Whether the variables that are to reach this program have names that it knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from tickcast.cli.doctor.finding import Finding, warning
from tickcast.cli.reach import VARIABLE_PREFIX
from tickcast.cli.suggest import closest


def check(environ: Mapping[str, str], known: Collection[str]) -> Iterator[Finding]:
    """Those with our prefix that no option reads: nobody else would say that they do nothing."""
    for name in sorted(environ):
        if name.startswith(VARIABLE_PREFIX) and name not in known:
            meant = closest(name, known)
            yield warning(
                "variables",
                f"{name} is read by nobody",
                f"rename it to {meant[0]}" if meant else "unset it; tickcast --help has them all",
            )
