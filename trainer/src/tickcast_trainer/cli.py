"""``tickcast-train``, also ``tickcast train``: settings in, packages and a report out."""

import sys
from collections.abc import Sequence

from tickcast_trainer.program import run_program
from tickcast_trainer.settings import TrainSettings, load_settings


def main(argv: Sequence[str] | None = None) -> int:
    """Train as the arguments say (``sys.argv`` when None) and return the exit code.

    0 is success, 1 an export that failed, 2 bad input, 130 an interrupt; messages are on standard
    error, the report on standard output.
    """
    return run_program("tickcast-train", load_settings, _run, argv)


def _run(settings: TrainSettings) -> int:
    # Imported here, as numpy, pandas and scikit-learn take longer to load than --help to read.
    from rich.console import Console

    from tickcast_trainer.pipeline import train
    from tickcast_trainer.progress import show_notes, show_progress
    from tickcast_trainer.report import print_report
    from tickcast_trainer.terminal import standard_output

    messages = Console(stderr=True)
    with show_notes(messages), show_progress(messages) as progress:
        run = train(settings, progress)
    print_report(run, standard_output())
    return 0


if __name__ == "__main__":
    sys.exit(main())
