"""The `tickcast` program. Needs the extra: pip install 'tickcast[cli]'."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command that the arguments name, and returns its exit code, one of `ExitCode`."""
    try:
        from tickcast.cli.app import run
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        print(
            f"tickcast: {error.name} is not installed, needed: pip install 'tickcast[cli]'",
            file=sys.stderr,
        )
        return 2
    return run(sys.argv[1:])
