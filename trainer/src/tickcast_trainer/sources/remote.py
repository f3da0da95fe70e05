"""What a remote source is, how one is found, and how several stand in for one another.

::

    TrainerError
    └── BarSourceError
        ├── MissingExtra           the client library of a source is not installed
        ├── MissingKey             a source needs a key, and the environment has none
        ├── NotOffered             a source has no bars of that timeframe or symbol
        └── RemoteSourceError      a source could not be asked, or did not answer with bars
            ├── RateLimited        it says that it was asked too often
            └── InvalidAnswer      it answered with something else than its documents promise

The first three end the program with exit code 2; the others, which the caller cannot mend, with 1.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias, cast

from tickcast_modelkit.timeframe import Timeframe

from tickcast_trainer.errors import BarSourceError, UnknownBarSource
from tickcast_trainer.sources.received import ReceivedBars

ENTRY_POINT_GROUP = "tickcast.remote_sources"

_log = logging.getLogger(__name__)


class MissingExtra(BarSourceError):
    """The client library of a source is not installed."""

    def __init__(self, source: str, extra: str) -> None:
        super().__init__(
            f"source {source}: was without its client library, "
            f"needed: pip install 'tickcast-trainer[{extra}]'"
        )


class MissingKey(BarSourceError):
    """A source needs a key, and the environment has none."""

    def __init__(self, source: str, variable: str) -> None:
        super().__init__(f"{variable}: was absent, needed a key of {source} in the environment")


class NotOffered(BarSourceError):
    """A source has no bars of that timeframe or symbol."""


class RemoteSourceError(BarSourceError):
    """A source could not be asked, or did not answer with bars."""

    exit_code: ClassVar[int] = 1


class RateLimited(RemoteSourceError):
    """A source says that it was asked too often, or its day's share is used up."""


class InvalidAnswer(RemoteSourceError):
    """A source answered with something else than its documents promise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRequest:
    """Bars to ask for."""

    symbol: str
    """As the source calls it."""

    timeframe: Timeframe

    start: int
    """Open time of the first bar, seconds since the Unix epoch."""

    end: int
    """Bars open before this instant."""


class RemoteSource(Protocol):
    """Asks one vendor or exchange."""

    @property
    def name(self) -> str:
        """Name under which its rows are kept."""
        ...

    def fetch(self, request: BarRequest) -> ReceivedBars:
        """Return every bar asked for, page by page, as it came; none is no error.

        Raises BarSourceError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteContext:
    """What a remote source is made of; all of it can be stood in for."""

    environment: Mapping[str, str]
    """Where keys come from, and base URLs other than a vendor's own."""

    cache: Path
    """Folder of answers."""

    max_age_seconds: float
    """How long an answer in the cache counts; 0 asks anew."""

    clock: Callable[[], float]
    """Seconds since the Unix epoch."""

    sleep: Callable[[float], None]
    """Waits for so many seconds."""


RemoteFactory: TypeAlias = Callable[[RemoteContext], RemoteSource]


def remote_names() -> list[str]:
    """Return the names of the installed remote sources, sorted."""
    return sorted(point.name for point in entry_points(group=ENTRY_POINT_GROUP))


def make_remote(name: str, context: RemoteContext) -> RemoteSource:
    """Make the remote source of that name.

    Raises UnknownBarSource, MissingExtra or MissingKey.
    """
    installed = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in installed:
        raise UnknownBarSource(name, tuple(installed))
    point = installed[name]
    try:
        factory = cast(RemoteFactory, point.load())
    except ModuleNotFoundError as error:
        raise MissingExtra(name, ",".join(point.extras)) from error
    return factory(context)


class InOrder:
    """Sources that stand in for one another, the first asked first.

    One that says that it was asked too often is not asked again.
    """

    def __init__(self, sources: Sequence[RemoteSource]) -> None:
        self._sources = tuple(sources)
        self._spent: dict[str, RateLimited] = {}

    def fetch(self, request: BarRequest) -> tuple[str, ReceivedBars]:
        """Return the name of the first source that has bars, and its bars.

        Raises the error of the only source, or RemoteSourceError with what each of them said.
        """
        failures: list[BarSourceError] = []
        for source in self._sources:
            outcome = self._ask(source, request)
            if isinstance(outcome, ReceivedBars):
                return source.name, outcome
            failures.append(outcome)
            if source is not self._sources[-1]:
                _log.warning("%s; the next source is asked", outcome)
        if len(failures) == 1:
            raise failures[0]
        raise RemoteSourceError(
            f"{request.symbol}: no source had bars\n" + "\n".join(f"  {one}" for one in failures)
        )

    def _ask(self, source: RemoteSource, request: BarRequest) -> ReceivedBars | BarSourceError:
        if source.name in self._spent:
            return self._spent[source.name]
        try:
            bars = source.fetch(request)
        except RateLimited as error:
            self._spent[source.name] = error
            return error
        except BarSourceError as error:
            return error
        return bars if len(bars) else NotOffered(f"{source.name}: had no bars of {request.symbol}")
