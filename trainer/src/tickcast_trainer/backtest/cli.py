"""``tickcast backtest``: settings in, figures beside buy-and-hold out."""

import sys
from collections.abc import Sequence

from tickcast_trainer.backtest.settings import BacktestSettings, load_settings
from tickcast_trainer.errors import TrainerError

_BAD_INPUT = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Backtest as the arguments say (``sys.argv`` when None) and return the exit code.

    0 is success, 2 bad input, 130 an interrupt; messages are on standard error, the report on
    standard output.
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


def _run(settings: BacktestSettings) -> int:
    # Imported here, as numpy and pandas take longer to load than --help to read.
    from rich.console import Console
    from tickcast_modelkit.errors import ModelkitError

    from tickcast_trainer.backtest.pipeline import backtest
    from tickcast_trainer.backtest.report import print_report, to_json
    from tickcast_trainer.progress import show_notes, show_progress

    messages = Console(stderr=True)
    try:
        with show_notes(messages), show_progress(messages) as progress:
            found = backtest(settings, progress)
    except TrainerError as error:
        return _fail(error, error.exit_code)
    except ModelkitError as error:
        return _fail(error, _BAD_INPUT)
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    if settings.json_output:
        print(to_json(found))
    else:
        print_report(found, Console())
    return 0


def _fail(message: Exception | str, exit_code: int) -> int:
    print(f"tickcast backtest: {message}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
