"""``tickcast-data``, also ``tickcast data``: bars in, checked, and shown."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tickcast_trainer.errors import TrainerError

if TYPE_CHECKING:
    from tickcast_trainer.data.arguments import CheckArguments, ImportArguments, ShowArguments

_BAD_INPUT = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name (``sys.argv`` when None); return the exit code.

    0 is success; 1 means bars that are not fit for use, or a remote source that did not answer with
    any; 2 bad input, 130 an interrupt. Messages are on standard error, results on standard output.
    """
    # Imported here, as pydantic takes longer to load than a plugin's name to list.
    from tickcast_trainer.data.arguments import parse

    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
    except TrainerError as error:
        return _fail(error, error.exit_code)
    except SystemExit as stop:
        # argparse ends the process after --help; a command line plugin must not.
        return int(stop.code or 0)
    return _run(arguments)


def _run(arguments: "ImportArguments | CheckArguments | ShowArguments") -> int:
    # Imported here, as numpy, pandas and pyarrow take longer to load than --help to read.
    from tickcast_modelkit.errors import ModelkitError

    from tickcast_trainer.data.commands import run

    try:
        return run(arguments)
    except TrainerError as error:
        return _fail(error, error.exit_code)
    except ModelkitError as error:
        return _fail(error, _BAD_INPUT)
    except BrokenPipeError:
        # The reader has what it wants, such as head. What is left in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(f"data: was {arguments.data} ({error}), needed a usable folder", _BAD_INPUT)
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)


def _fail(message: Exception | str, exit_code: int) -> int:
    print(f"tickcast-data: {message}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
