"""How the program ends."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script is told. docs/command_line.md has the same list."""

    DONE = 0
    FAILED = 1
    """The server refused, or something failed."""

    BAD_USAGE = 2
    """The command line is wrong."""

    SERVER_AWAY = 69
    """No server answers, or not in time: the same may work later. EX_UNAVAILABLE of sysexits.h."""

    INTERRUPTED = 130
    """Ctrl-C."""

    READER_GONE = 141
    """Whoever read the output has gone, as after `| head`: what a shell says of SIGPIPE."""
