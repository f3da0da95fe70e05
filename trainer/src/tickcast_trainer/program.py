"""What every program of the trainer does around its work: settings in, an exit code out."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from tickcast_modelkit.errors import ModelkitError

from tickcast_trainer.configuration import ProgramSettings
from tickcast_trainer.errors import TrainerError

_BAD_INPUT = 2
_INTERRUPTED = 130

Settings = TypeVar("Settings", bound=ProgramSettings)


def run_program(
    name: str,
    load: Callable[[Sequence[str]], Settings],
    work: Callable[[Settings], int],
    argv: Sequence[str] | None,
) -> int:
    """Do ``work`` as the arguments say (``sys.argv`` when None) and return its exit code.

    What is refused is said in one line on standard error, under the program's ``name``: 2 is bad
    input, 130 an interrupt, and an error of the trainer brings its own code.
    """
    try:
        settings = load(sys.argv[1:] if argv is None else argv)
        return _show(settings) if settings.print_config else work(settings)
    except (TrainerError, ModelkitError) as error:
        code = error.exit_code if isinstance(error, TrainerError) else _BAD_INPUT
        return _fail(name, error, code)
    except BrokenPipeError:
        # The reader has what it wants, such as head. What is left in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as stop:
        # argparse ends the process after --help; a command line plugin must not.
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return _fail(name, "interrupted", _INTERRUPTED)


def _show(settings: ProgramSettings) -> int:
    print(settings.to_toml())
    return 0


def _fail(name: str, message: Exception | str, exit_code: int) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return exit_code
