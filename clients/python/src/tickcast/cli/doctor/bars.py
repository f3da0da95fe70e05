"""What bars there are, and how old the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter

from tickcast._client import Client
from tickcast._types import SymbolSummary
from tickcast.cli.doctor.finding import Finding, ok, warning

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

# Nights, weekends and a holiday: so long no bar closes, and nothing is wrong.
_SHUT = timedelta(days=4)

# Symbols that are named of those that lag.
_NAMED = 5


def check(client: Client) -> Iterator[Finding]:
    """Feature sets, then every timeframe that bars are held of."""
    sets = client.list_feature_sets()
    names = ", ".join(item.name.removeprefix("featureSets/") for item in sets)
    yield ok("features", f"the server computes {names}")
    found = sorted(client.list_symbols(), key=attrgetter("timeframe"))
    if not found:
        yield warning("bars", "the server holds no bars", "send some: tickcast replay --help")
    for timeframe, series in groupby(found, key=attrgetter("timeframe")):
        yield from _timeframe(timeframe, list(series))


def _timeframe(timeframe: str, series: list[SymbolSummary]) -> Iterator[Finding]:
    newest = max(found.last_close_time for found in series)
    age = datetime.now(UTC) - newest
    says = f"symbols with {timeframe} bars: {len(series)}; the newest bar closed {_ago(age)}"
    slot = _length(timeframe)
    if age > _SHUT + 3 * slot:
        yield warning(
            "bars", says, "see why no newer bars come; past bars that are replayed do not"
        )
    else:
        yield ok("bars", says)
    late = [found.symbol for found in series if newest - found.last_close_time > _SHUT + 3 * slot]
    if late:
        named = ", ".join(late[:_NAMED]) + (", ..." if len(late) > _NAMED else "")
        yield warning(
            "bars",
            f"{len(late)} of them have no {timeframe} bar of the last days: {named}",
            "see whether they are still traded, and whether the feed sends them",
        )


def _length(timeframe: str) -> timedelta:
    return timedelta(**{_UNITS[timeframe[-1]]: int(timeframe[:-1])})


def _ago(age: timedelta) -> str:
    if age >= timedelta(days=2):
        return f"{age.days:,} days ago"
    minutes = max(0, int(age.total_seconds() // 60))
    return f"{minutes // 60} h {minutes % 60} min ago" if minutes >= 60 else f"{minutes} min ago"
