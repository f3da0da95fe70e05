"""``tickcast promote`` and ``tickcast rollback``."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from tickcast_trainer.configuration import ProgramSettings, load_settings
from tickcast_trainer.errors import TrainerError
from tickcast_trainer.promotion.settings import PromoteSettings, RollbackSettings

_REFUSED = 1
_BAD_INPUT = 2
_INTERRUPTED = 130

_Settings = TypeVar("_Settings", bound=ProgramSettings)


def promote_main(argv: Sequence[str] | None = None) -> int:
    """Decide as the arguments say (``sys.argv`` when None) and return the exit code.

    0 is promoted, 1 refused by the gate, 2 bad input, 130 an interrupt; messages are on standard
    error, the decision on standard output.
    """
    return _main("tickcast promote", PromoteSettings, _promote, argv)


def rollback_main(argv: Sequence[str] | None = None) -> int:
    """Go back as the arguments say and return the exit code, as ``promote_main``."""
    return _main("tickcast rollback", RollbackSettings, _rollback, argv)


def _promote(settings: PromoteSettings) -> int:
    from rich.console import Console

    from tickcast_trainer.progress import show_notes, show_progress
    from tickcast_trainer.promotion.pipeline import promote
    from tickcast_trainer.promotion.report import print_decision

    messages = Console(stderr=True)
    with show_notes(messages), show_progress(messages) as progress:
        decision = promote(settings, progress)
    if settings.json_output:
        print(decision.to_json())
    else:
        print_decision(settings.model, decision, Console())
    return 0 if decision.moved else _REFUSED


def _rollback(settings: RollbackSettings) -> int:
    from rich.console import Console

    from tickcast_trainer.promotion.pipeline import rollback
    from tickcast_trainer.promotion.report import print_decision

    print_decision(settings.model, rollback(settings), Console())
    return 0


def _main(
    program: str,
    kind: type[_Settings],
    run: Callable[[_Settings], int],
    argv: Sequence[str] | None,
) -> int:
    from tickcast_modelkit.errors import ModelkitError

    try:
        settings = load_settings(kind, sys.argv[1:] if argv is None else argv)
        if settings.print_config:
            print(settings.to_toml())
            return 0
        return run(settings)
    except TrainerError as error:
        return _fail(program, error, error.exit_code)
    except ModelkitError as error:
        return _fail(program, error, _BAD_INPUT)
    except SystemExit as stop:
        # argparse ends the process after --help; a command line plugin must not.
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return _fail(program, "interrupted", _INTERRUPTED)


def _fail(program: str, message: Exception | str, exit_code: int) -> int:
    print(f"{program}: {message}", file=sys.stderr)
    return exit_code
