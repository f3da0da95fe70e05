"""`python -m tickcast_server.workers.worker FD`: one worker, started by the supervisor alone.

FD is its end of the channel. It is told there who it is; when the channel ends, the supervisor has,
and the worker finishes its calls and ends as well.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys

import structlog
import uvloop

from tickcast_server import garbage
from tickcast_server.app import START_FAILURES, App
from tickcast_server.observe.logs import configure_logs
from tickcast_server.observe.metrics import Metrics
from tickcast_server.observe.sharing import share_metrics
from tickcast_server.serving.registry.follower import RegistryStatus
from tickcast_server.settings import Settings
from tickcast_server.workers.channel import Assignment, Channel, Ready

# A scrape may be so much behind with the stages; everything else is written as it happens.
_PUBLISH_SECONDS = 1.0


async def serve(end: socket.socket) -> int:
    """Serves until SIGTERM or the end of the channel. Returns the exit code."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    channel = await Channel.over(end)
    assignment = await channel.receive()
    if not isinstance(assignment, Assignment):
        return 0
    settings = Settings(**json.loads(assignment.settings))
    configure_logs(level=settings.log.level, form=settings.log.form)
    structlog.contextvars.bind_contextvars(worker=assignment.number)
    share_metrics(assignment.number)
    app = App(settings, shared_port=True)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(listen(channel, app, stop))
        publishing = group.create_task(publish(app.metrics))
        code = await run(app, channel, stop)
        listening.cancel()
        publishing.cancel()
    return code


async def run(app: App, channel: Channel, stop: asyncio.Event) -> int:
    """Starts, says so, and finishes its calls once it is to stop."""
    try:
        await app.start()
    except START_FAILURES as error:
        # A traceback would hide the one line that says what to do.
        log = structlog.get_logger("tickcast.server")
        log.error("the worker did not start", cause=str(error))  # noqa: TRY400
        await app.stop()
        return 1
    garbage.settle()
    channel.send(Ready(loaded_versions=app.loaded_versions))
    await stop.wait()
    await app.stop()
    return 0


async def listen(channel: Channel, app: App, stop: asyncio.Event) -> None:
    """Takes in what the supervisor says, until that has ended."""
    async for message in channel.messages():
        if isinstance(message, RegistryStatus):
            app.registry_changed(message)
    structlog.get_logger("tickcast.server").warning(
        "the process that keeps the workers has ended; this one finishes its calls and ends",
        action="start the server again",
    )
    stop.set()


async def publish(metrics: Metrics) -> None:
    """Keeps what processes share in step, and at the end a last time."""
    try:
        while True:
            await asyncio.sleep(_PUBLISH_SECONDS)
            metrics.publish()
    finally:
        metrics.publish()


if __name__ == "__main__":
    sys.exit(uvloop.run(serve(socket.socket(fileno=int(sys.argv[1])))))
