"""Checks of this machine that other distributions bring, under the entry points of this group.

An entry point is a function `examine(config)`: `config` is the path of a configuration file, or
`None`. It yields, for each finding, a tuple of four texts: what was looked at, one of ok, warning
and problem, what is so, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from tickcast.cli.doctor.finding import Finding, State

GROUP = "tickcast.checks"


def check(config: Path | None) -> Iterator[Finding]:
    """What every installed distribution finds."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        for name, state, says, do in point.load()(config):
            yield Finding(name, State(state), says, do)
