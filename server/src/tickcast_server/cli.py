"""`tickcast-server`, also reached as `tickcast serve`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import structlog
import uvloop
from pydantic import ValidationError

from tickcast_server import garbage
from tickcast_server.app import START_FAILURES, App
from tickcast_server.observe.logs import configure_logs
from tickcast_server.settings import (
    Settings,
    UnknownVariable,
    describe,
    environment,
    load_settings,
)
from tickcast_server.workers.place import WorkerNotReady
from tickcast_server.workers.supervisor import Supervisor

BAD_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. SIGHUP replaces the workers, where there are several.

    Returns the exit code: 0, 1 for a failed start, 2 for bad settings.
    """
    argv = sys.argv[1:] if argv is None else argv
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--config", type=Path)
    own.add_argument("--print-config", action="store_true")
    options, rest = own.parse_known_args(argv)
    if {"-h", "--help"} & set(rest):
        print(
            "Serves models. Two flags beside the settings below: --config FILE reads a TOML file, "
            "--print-config shows the settings in force.\n"
        )
    try:
        settings = load_settings(rest, config=options.config, environ=environment())
    except ValidationError as error:
        return bad_settings(describe(error))
    except (UnknownVariable, OSError, tomllib.TOMLDecodeError) as error:
        return bad_settings(str(error))
    if options.print_config:
        print(json.dumps(settings.masked(), indent=2))
        return 0
    configure_logs(level=settings.log.level, form=settings.log.form)
    return uvloop.run(serve(settings))


def bad_settings(what: str) -> int:
    """Says what is wrong with the settings, and returns the exit code for it."""
    for line in what.splitlines():
        print(f"tickcast-server: {line}", file=sys.stderr)
    return BAD_USAGE


async def serve(settings: Settings) -> int:
    """Runs one server to its end."""
    log = structlog.get_logger("tickcast.server")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = App(settings) if settings.workers == 1 else Supervisor(settings)
    if isinstance(app, Supervisor):
        loop.add_signal_handler(signal.SIGHUP, app.renew)
    try:
        await app.start()
    except (WorkerNotReady, *START_FAILURES) as error:
        # A traceback would hide the one line that says what to do.
        log.error("the server did not start", cause=str(error))  # noqa: TRY400
        await app.stop()
        return 1
    garbage.settle()
    log.info(
        "serving",
        address=app.address,
        http_address=app.http_address,
        metrics_address=app.metrics_address,
        models=str(settings.models),
        loaded=app.loaded_versions,
    )
    if not app.loaded_versions:
        log.warning(
            "no model is loaded",
            action=f"train one into {settings.models}; it is picked up without a restart",
        )
    await stop.wait()
    log.info("stopping", grace_seconds=settings.grace)
    await app.stop()
    log.info("stopped")
    return 0
