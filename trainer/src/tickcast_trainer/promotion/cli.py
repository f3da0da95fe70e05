"""``tickcast promote`` and ``tickcast rollback``."""

from collections.abc import Sequence
from functools import partial

from tickcast_trainer.configuration import load_settings
from tickcast_trainer.program import run_program
from tickcast_trainer.promotion.settings import PromoteSettings, RollbackSettings

_REFUSED = 1


def promote_main(argv: Sequence[str] | None = None) -> int:
    """Decide as the arguments say (``sys.argv`` when None) and return the exit code.

    0 is promoted, 1 refused by the gate, 2 bad input, 130 an interrupt; messages are on standard
    error, the decision on standard output.
    """
    load = partial(load_settings, PromoteSettings)
    return run_program("tickcast promote", load, _promote, argv)


def rollback_main(argv: Sequence[str] | None = None) -> int:
    """Go back as the arguments say and return the exit code, as ``promote_main``."""
    load = partial(load_settings, RollbackSettings)
    return run_program("tickcast rollback", load, _rollback, argv)


def _promote(settings: PromoteSettings) -> int:
    from rich.console import Console

    from tickcast_trainer.progress import show_notes, show_progress
    from tickcast_trainer.promotion.pipeline import promote
    from tickcast_trainer.promotion.report import print_decision
    from tickcast_trainer.terminal import standard_output

    messages = Console(stderr=True)
    with show_notes(messages), show_progress(messages) as progress:
        decision = promote(settings, progress)
    if settings.json_output:
        print(decision.to_json())
    else:
        print_decision(settings.model, decision, standard_output())
    return 0 if decision.moved else _REFUSED


def _rollback(settings: RollbackSettings) -> int:
    from tickcast_trainer.promotion.pipeline import rollback
    from tickcast_trainer.promotion.report import print_decision
    from tickcast_trainer.terminal import standard_output

    print_decision(settings.model, rollback(settings), standard_output())
    return 0
