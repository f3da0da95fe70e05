"""Whether somebody pressed q."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def quit_key() -> Iterator[Callable[[], bool]]:
    """Yields a question whether q was pressed since the last time.

    Keys are read one by one while the context lasts. Where standard input is no terminal, nobody
    presses anything.
    """
    if not sys.stdin.isatty():
        yield lambda: False
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield lambda: _pressed(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _pressed(terminal: int) -> bool:
    while select.select([terminal], [], [], 0)[0]:
        pressed = os.read(terminal, 64)
        if not pressed or b"q" in pressed.lower():
            return True
    return False
