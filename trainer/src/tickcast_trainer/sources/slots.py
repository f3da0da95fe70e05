"""What the sources of remote bars share: stretches of time to ask for, and times of exchanges."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def stretches(start: int, end: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut ``start`` to ``end`` into pieces of at most ``length`` seconds, in their order."""
    for begin in range(start, end, length):
        yield begin, min(begin + length, end)


def day_text(instant: int) -> str:
    """Return the UTC date of an instant, such as 2020-01-31."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d")


def day_start(text: str) -> int:
    """Return 00:00 UTC of a date such as 2020-01-31."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def local_instant(text: str, zone: str) -> int:
    """Return the instant of a local time such as 2020-01-31 15:55:00."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())
