"""Search for parameters that err least: the same answer for the same seed, also after a break.

Trials are chosen by the tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kegl 2011,
"Algorithms for Hyper-Parameter Optimization") of optuna. What a trial tries depends on the seed,
its number and the trials before it, and on nothing that a process remembers: a search that was
interrupted goes on from its file as if it never had been.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tickcast_trainer.progress import Advance

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

Choice: TypeAlias = Mapping[str, float | int]
"""Parameters by name."""

_SECONDS = "seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Where a parameter is looked for, both ends included; whole numbers between whole ends."""

    low: float | int
    high: float | int

    is_logarithmic: bool = False
    """Whether factors count instead of differences; ends are above 0 then."""

    def including(self, value: float) -> "Range":
        """Return the range, stretched as far as ``value``."""
        return Range(
            low=min(self.low, value),
            high=max(self.high, value),
            is_logarithmic=self.is_logarithmic,
        )


SearchSpace: TypeAlias = Mapping[str, Range]
"""Ranges by parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When a search ends: at whatever comes first, after one trial at the least."""

    trials: int

    seconds: float | None = None
    """Of trials, those before an interruption included. Results then depend on the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search found."""

    parameters: Choice
    """Those that erred least; of equals, the first tried."""

    error: float
    """Theirs, as the objective measures it."""

    first_error: float
    """That of the parameters that the search began with."""

    trials: int
    resumed: int
    """Of the trials, those that the file held already."""

    seconds: float
    """Of all trials."""


def search(
    objective: Callable[[Choice], float],
    space: SearchSpace,
    first: Choice,
    *,
    budget: Budget,
    seed: int,
    study: str,
    file: Path | None,
    advance: Advance,
    clock: Callable[[], float] = time.monotonic,
) -> SearchResult:
    """Look for the parameters of the least ``objective``, beginning with ``first``.

    ``first`` has the names of ``space``, whose ranges are stretched to hold it. Every finished
    trial is kept in the SQLite ``file``, if there is one, under the name ``study``: a search of
    that name goes on from there, so the name must tell all that the objective depends on.
    """
    import optuna

    # Its log is a line for each trial; our progress says the same.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {
        name: _distribution(wanted.including(first[name])) for name, wanted in space.items()
    }
    with _journal(study, file) as journal:
        known = journal.get_trials()[: budget.trials]
        trials = optuna.create_study()
        trials.add_trials(known)
        spent = sum(float(trial.user_attrs[_SECONDS]) for trial in known)
        advance(len(known))
        for number in range(len(known), budget.trials):
            if number > 0 and budget.seconds is not None and spent >= budget.seconds:
                break
            if number == 0:
                trials.enqueue_trial(dict(first))
            trials.sampler = optuna.samplers.TPESampler(seed=_seed(seed, number))
            trial = trials.ask(distributions)
            begin = clock()
            error = objective(trial.params)
            taken = clock() - begin
            trial.set_user_attr(_SECONDS, taken)
            # Only whole trials are kept: one that was interrupted is done again.
            journal.add_trial(trials.tell(trial, error))
            spent += taken
            advance(1)
    found = trials.get_trials()
    return SearchResult(
        parameters=found[trials.best_trial.number].params,
        error=trials.best_value,
        first_error=float(found[0].values[0]),
        trials=len(found),
        resumed=len(known),
        seconds=spent,
    )


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _distribution(wanted: Range) -> "BaseDistribution":
    from optuna.distributions import FloatDistribution, IntDistribution

    if isinstance(wanted.low, int) and isinstance(wanted.high, int):
        return IntDistribution(wanted.low, wanted.high, log=wanted.is_logarithmic)
    return FloatDistribution(wanted.low, wanted.high, log=wanted.is_logarithmic)


@contextmanager
def _journal(study: str, file: Path | None) -> "Iterator[Study]":
    import optuna

    if file is None:
        yield optuna.create_study()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
    try:
        yield optuna.create_study(study_name=study, storage=storage, load_if_exists=True)
    finally:
        storage.remove_session()
        storage.engine.dispose()
