"""Where results are printed."""

from rich.console import Console

# What a file or a pipe is given, so that no column of a table is cut or folded.
_WIDE = 160


def standard_output() -> Console:
    """Return standard output, as wide as its terminal, and wide where it is none."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)
