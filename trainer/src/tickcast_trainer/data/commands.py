"""The three commands, wired: arguments in, results on standard output, an exit code out."""

import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console

from tickcast_trainer.data.arguments import CheckArguments, ImportArguments, ShowArguments
from tickcast_trainer.data.arrivals import ImportRequest, SymbolPair
from tickcast_trainer.data.checking import check
from tickcast_trainer.data.holdings import find_series, holding
from tickcast_trainer.data.importing import run_import
from tickcast_trainer.data.layout import CACHE
from tickcast_trainer.data.precedence import read_precedence, write_precedence
from tickcast_trainer.data.printing import (
    holdings_as_json,
    print_holdings,
    print_import,
    print_verdicts,
    verdicts_as_json,
    write_bars,
)
from tickcast_trainer.progress import show_notes, show_progress
from tickcast_trainer.sources.remote import RemoteContext
from tickcast_trainer.terminal import standard_output

_NOT_FIT = 1
_SECONDS_PER_HOUR = 3600.0


def run(arguments: ImportArguments | CheckArguments | ShowArguments) -> int:
    """Run one command and return its exit code. Raises TrainerError and ModelkitError."""
    match arguments:
        case ImportArguments():
            return _import(arguments)
        case CheckArguments():
            return _check(arguments)
        case ShowArguments():
            return _show(arguments)


def _import(arguments: ImportArguments) -> int:
    messages = Console(stderr=True)
    if arguments.precedence is not None:
        write_precedence(arguments.data, arguments.precedence)
    request = ImportRequest(
        root=arguments.data,
        sources=arguments.sources,
        location=arguments.location,
        symbols=_pairs(arguments.symbols),
        timeframe=arguments.timeframe,
        start=_seconds(arguments.start),
        end=_seconds(arguments.end),
        horizon=arguments.horizon,
    )
    context = RemoteContext(
        environment=os.environ,
        cache=arguments.data / CACHE,
        max_age_seconds=arguments.cache_hours * _SECONDS_PER_HOUR,
        clock=time.time,
        sleep=time.sleep,
    )
    with show_notes(messages), show_progress(messages) as progress:
        done = run_import(request, context, progress)
    if done.imported:
        print_import(done, standard_output())
    for failure in done.failures:
        print(f"tickcast-data: {failure}", file=sys.stderr)
    return max((failure.exit_code for failure in done.failures), default=0)


def _check(arguments: CheckArguments) -> int:
    messages = Console(stderr=True)
    keys = find_series(arguments.data, arguments.timeframe, arguments.symbols)
    with show_notes(messages), show_progress(messages) as progress:
        verdicts = check(arguments.data, keys, read_precedence(arguments.data), progress)
    if arguments.as_json:
        print(verdicts_as_json(verdicts, len(keys)))
    else:
        print_verdicts(verdicts, len(keys), standard_output())
    return _NOT_FIT if any(one.is_bad for one in verdicts) else 0


def _show(arguments: ShowArguments) -> int:
    keys = find_series(arguments.data, arguments.timeframe, arguments.symbols)
    precedence = read_precedence(arguments.data)
    with show_notes(Console(stderr=True)):
        holdings = [holding(arguments.data, key, precedence) for key in keys]
    if arguments.bars:
        write_bars(holdings, _seconds(arguments.start), _seconds(arguments.end), sys.stdout)
    elif arguments.as_json:
        print(holdings_as_json(holdings))
    else:
        print_holdings(holdings, standard_output())
    return 0


def _pairs(symbols: Sequence[str]) -> tuple[SymbolPair, ...]:
    pairs = []
    for symbol in symbols:
        stored, at, theirs = symbol.partition("@")
        pairs.append(SymbolPair(stored, theirs if at else stored))
    return tuple(pairs)


def _seconds(time_: datetime | None) -> int | None:
    return None if time_ is None else int(time_.timestamp())
