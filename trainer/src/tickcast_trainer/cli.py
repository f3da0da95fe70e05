"""``tickcast-train``, also ``tickcast train``: settings in, packages and a report out."""

import sys
from collections.abc import Sequence

from tickcast_trainer.errors import TrainerError
from tickcast_trainer.settings import TrainSettings, load_settings

_BAD_INPUT = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Train as the arguments say (``sys.argv`` when None) and return the exit code.

    0 is success, 1 an export that failed, 2 bad input, 130 an interrupt; messages are on standard
    error, the report on standard output.
    """
    try:
        settings = load_settings(sys.argv[1:] if argv is None else argv)
    except TrainerError as error:
        return _fail(error, error.exit_code)
    except SystemExit as stop:
        # argparse ends the process after --help; a command line plugin must not.
        return int(stop.code or 0)
    if settings.print_config:
        print(settings.to_toml())
        return 0
    return _run(settings)


def _run(settings: TrainSettings) -> int:
    # Imported here, as numpy, pandas and scikit-learn take longer to load than --help to read.
    from rich.console import Console
    from tickcast_modelkit.errors import ModelkitError

    from tickcast_trainer.pipeline import train
    from tickcast_trainer.progress import show_notes, show_progress
    from tickcast_trainer.report import print_report
    from tickcast_trainer.terminal import standard_output

    messages = Console(stderr=True)
    try:
        with show_notes(messages), show_progress(messages) as progress:
            run = train(settings, progress)
    except TrainerError as error:
        return _fail(error, error.exit_code)
    except ModelkitError as error:
        return _fail(error, _BAD_INPUT)
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    print_report(run, standard_output())
    return 0


def _fail(message: Exception | str, exit_code: int) -> int:
    print(f"tickcast-train: {message}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
