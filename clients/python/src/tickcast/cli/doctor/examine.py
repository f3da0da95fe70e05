"""Which checks are made, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import grpc

from tickcast._errors import TickcastError
from tickcast.cli.doctor import (
    bars,
    clock,
    encryption,
    health,
    libraries,
    models,
    network,
    plugins,
    versions,
)
from tickcast.cli.doctor.finding import Finding, State, problem
from tickcast.cli.session import Session

_PATIENCE = 5.0


def examine_server(session: Session) -> Iterator[Finding]:
    """The server that the session is aimed at. What cannot be reached is examined no further."""
    steps = (partial(network.check, session.target), partial(_health, session))
    for step in steps:
        findings = list(step())
        yield from findings
        if any(finding.state is State.PROBLEM for finding in findings):
            return
    yield from encryption.check(session)
    with session.connect(timeout=_PATIENCE) as client:
        yield from _guarded("clock", lambda: clock.check(client))
        yield from _guarded("models", lambda: models.check(client))
        yield from _guarded("bars", lambda: bars.check(client))


def examine_machine(config: Path | None) -> Iterator[Finding]:
    """This machine: what is installed, and what that brings to check."""
    yield from libraries.check()
    yield from plugins.check(config)


def _health(session: Session) -> Iterator[Finding]:
    for channel in session.connection().open(grpc):
        with channel:
            findings = list(health.check(session, channel))
            yield from findings
            if findings[0].state is State.OK:
                yield from versions.check(channel)


def _guarded(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except TickcastError as error:
        reason = error.reason or error.code.name
        yield problem(name, f"the server refused: {reason}: {error}", "docs/errors.md says more")
