"""Whether the server's clock and ours agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Timer

from tickcast._client import Client
from tickcast._events import Heartbeat
from tickcast.cli.doctor.finding import Finding, ok, warning

_HEARTBEAT = timedelta(milliseconds=100)
_PATIENCE = 5.0

# More than a network takes, and less than matters to a bar of a minute.
_MOST = timedelta(seconds=1)


def check(client: Client) -> Iterator[Finding]:
    """Heartbeats of a stream carry the server's time; of three, the quickest tells most."""
    differences = list(islice(_differences(client), 3))
    if not differences:
        yield warning("clock", "no heartbeat came, so the clocks were not compared", "try again")
        return
    difference = min(differences, key=abs)
    if abs(difference) <= _MOST:
        yield ok("clock", f"the clocks agree within {_MOST.total_seconds():g} s")
        return
    behind = "behind" if difference > timedelta() else "ahead of"
    yield warning(
        "clock",
        f"the server's clock is {abs(difference).total_seconds():.1f} s {behind} this machine's",
        "set both by NTP: timedatectl set-ntp true",
    )


def _differences(client: Client) -> Iterator[timedelta]:
    with client.stream_prices("1d", heartbeat=_HEARTBEAT) as events:
        # Closing ends the loop, should the server say nothing.
        timer = Timer(_PATIENCE, events.close)
        timer.start()
        try:
            for event in events:
                if isinstance(event, Heartbeat):
                    yield datetime.now(UTC) - event.server_time
        finally:
            timer.cancel()
