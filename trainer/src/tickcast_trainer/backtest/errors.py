"""What a backtest refuses beyond what training does.

::

    TrainerError
    └── BacktestError
        ├── NothingToTest        no bars, or too few, between start and end
        ├── UnusablePackage      the model was made for other bars than those given
        └── InSample             the model was trained on the bars that it would be tested on

All are the caller's to mend, and the program ends with exit code 2.
"""

from tickcast_trainer.errors import TrainerError


class BacktestError(TrainerError):
    """Base of everything that a backtest refuses."""


class NothingToTest(BacktestError):
    """There are no bars, or too few, to run a strategy on."""


class UnusablePackage(BacktestError):
    """The model cannot forecast the bars that were given."""


class InSample(BacktestError):
    """The model has seen the bars that it would be tested on."""
