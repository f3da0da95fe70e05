"""Progress: bars where somebody watches, lines where a file is written."""

import io

from rich.console import Console
from tickcast_trainer.progress import show_progress


def shown(*, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    with show_progress(console) as progress, progress.step("features", 1500) as advance:
        advance(500)
        advance(1000)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def test_without_a_terminal_a_step_is_one_plain_line() -> None:
    text = shown(terminal=False)
    assert text.startswith("features: 1,500 in ")
    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_a_terminal_gets_a_bar_that_ends_full() -> None:
    text = shown(terminal=True)
    assert "features" in text
    assert "1500/1500" in text
