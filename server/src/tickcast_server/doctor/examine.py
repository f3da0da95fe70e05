"""Which checks are made, in which order: the entry point of `tickcast doctor`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from tickcast_server.doctor import certificates, limits, packages, ports, storage
from tickcast_server.doctor.finding import Finding
from tickcast_server.settings import (
    Settings,
    UnknownVariable,
    describe,
    environment,
    load_settings,
)


def examine(config: Path | None) -> Iterator[Finding]:
    """This machine, by the settings that a server started here would have."""
    settings = None
    try:
        settings = load_settings(config=config, environ=environment())
    except ValidationError as error:
        for line in describe(error).splitlines():
            yield _wrong(line)
    except (UnknownVariable, OSError, tomllib.TOMLDecodeError) as error:
        yield _wrong(str(error))
    if settings is None:
        return
    yield Finding("settings", "ok", _told(settings, config))
    for check in (
        ports.check,
        certificates.check,
        storage.check,
        packages.check,
        limits.check,
    ):
        yield from check(settings)


def _wrong(says: str) -> Finding:
    return Finding("settings", "problem", says, "tickcast serve --help lists every setting")


def _told(settings: Settings, config: Path | None) -> str:
    given = sorted(settings.model_fields_set)
    source = f"from {config} and variables" if config else "from variables"
    return f"valid, {source}: {', '.join(given) if given else 'all are the defaults'}"
