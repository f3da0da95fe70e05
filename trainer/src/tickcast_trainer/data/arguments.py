"""The arguments of ``tickcast data``, typed and checked before anything is read."""

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tickcast_trainer.data.errors import InvalidArguments
from tickcast_trainer.data.layout import DEFAULT_ROOT

DATA_VARIABLE = "TICKCAST_BARS"


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(description="data folder")
    symbols: tuple[str, ...] = ()
    timeframe: str | None = None

    @field_validator("symbols", mode="before")
    @classmethod
    def _split_symbols(cls, value: object) -> object:
        return _split(value)


class _Period(_Arguments):
    start: datetime | None = None
    end: datetime | None = None

    @field_validator("start", "end")
    @classmethod
    def _utc_without_zone(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class ImportArguments(_Period):
    """What ``tickcast data import`` is told."""

    sources: tuple[str, ...] = Field(min_length=1)
    location: str = ""
    precedence: tuple[str, ...] | None = None
    horizon: int = Field(ge=1, le=1000)
    cache_hours: float = Field(ge=0, allow_inf_nan=False)

    @field_validator("sources", "precedence", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return _split(value)


class CheckArguments(_Arguments):
    """What ``tickcast data check`` is told."""

    as_json: bool = False


class ShowArguments(_Period):
    """What ``tickcast data show`` is told."""

    bars: bool = False
    as_json: bool = False


_A = TypeVar("_A", bound=_Arguments)


def parse(arguments: Sequence[str]) -> ImportArguments | CheckArguments | ShowArguments:
    """Read a command line.

    Raises InvalidArguments, naming each argument, what was found and what is needed; SystemExit
    after ``--help`` and where argparse itself refuses.
    """
    given = vars(_parser().parse_args(arguments))
    command = given.pop("command")
    kinds: dict[str, type[ImportArguments | CheckArguments | ShowArguments]] = {
        "import": ImportArguments,
        "check": CheckArguments,
        "show": ShowArguments,
    }
    return _checked(kinds[command], given)


def _checked(kind: type[_A], given: dict[str, Any]) -> _A:
    try:
        return kind(**given)
    except ValidationError as error:
        raise InvalidArguments("\n".join(map(_describe, error.errors()))) from error


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="tickcast-data", description="Keep bars: as received, reconciled, and as rows."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_import(commands.add_parser("import", help="bring bars in, from files or a remote source"))
    check = commands.add_parser("check", help="say what is wrong with the bars held")
    _add_common(check)
    check.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    show = commands.add_parser("show", help="list what is held, or print bars")
    _add_common(show)
    _add_period(show)
    show.add_argument("--bars", action="store_true", help="print the bars as CSV")
    show.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    return parser


def _add_import(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        dest="sources",
        required=True,
        metavar="NAME[,NAME]",
        help="csv, parquet, bundled, or remote ones in the order in which they are asked",
    )
    parser.add_argument("location", nargs="?", default="", help="file or folder of the source")
    _add_common(parser)
    _add_period(parser)
    parser.add_argument(
        "--precedence",
        metavar="NAME[,NAME]",
        help="sources to believe before all others in this folder; kept",
    )
    parser.add_argument(
        "--horizon", default="1", metavar="BARS", help="bars to the target in gold, 1 if absent"
    )
    parser.add_argument(
        "--cache-hours",
        default="1",
        metavar="HOURS",
        help="how long an answer of a remote source counts, 1 if absent; 0 asks anew",
    )


def _add_common(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        default=os.environ.get(DATA_VARIABLE, str(DEFAULT_ROOT)),
        metavar="FOLDER",
        help=f"data folder; {DATA_VARIABLE} or {DEFAULT_ROOT} if absent",
    )
    parser.add_argument(
        "--symbols",
        default=(),
        metavar="SYMBOL[,SYMBOL]",
        help="all if absent; in an import BTC/USD@XBT/USD keeps as BTC/USD what the source "
        "calls XBT/USD",
    )
    parser.add_argument("--timeframe", metavar="TIMEFRAME", help="such as 5m or 1d")


def _add_period(parser: ArgumentParser) -> None:
    parser.add_argument("--start", metavar="TIME", help="first bar, such as 2020-01-01; UTC")
    parser.add_argument("--end", metavar="TIME", help="bars open before it; UTC")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part for part in (part.strip() for part in value.split(",")) if part)


def _describe(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    return f"{name}: was {error['input']!r}, needed: {error['msg']}"
