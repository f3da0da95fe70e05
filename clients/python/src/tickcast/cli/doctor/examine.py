"""Which checks are made, in which order."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
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
    variables,
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
        if findings and all(finding.state is State.PROBLEM for finding in findings):
            return
    yield from encryption.check(session)
    with session.connect(timeout=_PATIENCE) as client:
        yield from _guarded("clock", lambda: clock.check(client))
        yield from _guarded("models", lambda: models.check(client))
        yield from _guarded("bars", lambda: bars.check(client))


def examine_machine(config: Path | None, known_variables: Collection[str]) -> Iterator[Finding]:
    """This machine: the variables of this program, what is installed, and what that checks."""
    yield from variables.check(os.environ, known_variables)
    yield from libraries.check()
    yield from plugins.check(config)


def _health(session: Session) -> Iterator[Finding]:
    connection = session.connection()
    (channel,) = connection.open(grpc)
    with channel, connection.outgoing("", streaming=False) as metadata:
        findings = list(health.check(session, channel, metadata))
        yield from findings
        if findings[0].state is State.OK:
            yield from versions.check(channel, metadata)


def _guarded(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except TickcastError as error:
        reason = error.reason or error.code.name
        yield problem(name, f"the server refused: {reason}: {error}", "docs/errors.md says more")
