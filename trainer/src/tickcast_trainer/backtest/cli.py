"""``tickcast backtest``: settings in, figures beside buy-and-hold out."""

import sys
from collections.abc import Sequence

from tickcast_trainer.backtest.settings import BacktestSettings, load_settings
from tickcast_trainer.program import run_program


def main(argv: Sequence[str] | None = None) -> int:
    """Backtest as the arguments say (``sys.argv`` when None) and return the exit code.

    0 is success, 2 bad input, 130 an interrupt; messages are on standard error, the report on
    standard output.
    """
    return run_program("tickcast backtest", load_settings, _run, argv)


def _run(settings: BacktestSettings) -> int:
    # Imported here, as numpy and pandas take longer to load than --help to read.
    from rich.console import Console

    from tickcast_trainer.backtest.pipeline import backtest
    from tickcast_trainer.backtest.report import print_report, to_json
    from tickcast_trainer.progress import show_notes, show_progress
    from tickcast_trainer.terminal import standard_output

    messages = Console(stderr=True)
    with show_notes(messages), show_progress(messages) as progress:
        found = backtest(settings, progress)
    if settings.json_output:
        print(to_json(found))
    else:
        print_report(found, standard_output())
    return 0


if __name__ == "__main__":
    sys.exit(main())
