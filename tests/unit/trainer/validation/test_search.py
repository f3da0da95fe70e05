"""The search: it finds what is there, keeps its budget, and is the same after a break."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tickcast_trainer.validation.search import Budget, Choice, Range, SearchResult, search

SPACE = {
    "penalty": Range(low=1e-3, high=1e3, is_logarithmic=True),
    "depth": Range(low=1, high=9),
}
FIRST: Choice = {"penalty": 100.0, "depth": 8}


def bowl(parameters: Choice) -> float:
    """Least at a penalty of about 1 and a depth of 4."""
    return abs(parameters["penalty"] - 1.0) / (1.0 + parameters["penalty"]) + 0.1 * abs(
        parameters["depth"] - 4
    )


def run(
    objective: Callable[[Choice], float] = bowl,
    *,
    trials: int = 25,
    seconds: float | None = None,
    seed: int = 7,
    file: Path | None = None,
    study: str = "bowl",
    clock: Callable[[], float] = lambda: 0.0,
    first: Choice = FIRST,
) -> SearchResult:
    return search(
        objective,
        SPACE,
        first,
        budget=Budget(trials=trials, seconds=seconds),
        seed=seed,
        study=study,
        file=file,
        advance=lambda _units: None,
        clock=clock,
    )


def tried(*, seed: int, file: Path | None = None, trials: int = 25) -> list[Choice]:
    seen: list[Choice] = []

    def record(parameters: Choice) -> float:
        seen.append(dict(parameters))
        return bowl(parameters)

    run(record, seed=seed, file=file, trials=trials)
    return seen


def test_it_begins_with_the_given_and_ends_better() -> None:
    assert tried(seed=7)[0] == FIRST
    found = run()
    assert found.first_error == bowl(FIRST)
    assert found.error == bowl(found.parameters) < 0.5 * found.first_error
    assert isinstance(found.parameters["depth"], int)
    assert found.trials == 25


def test_it_never_ends_worse_than_it_began() -> None:
    best: Choice = {"penalty": 1.0, "depth": 4}
    found = run(first=best, trials=10)
    assert found.parameters == best
    assert found.error == 0.0


def test_the_seed_decides_what_is_tried() -> None:
    assert tried(seed=7) == tried(seed=7)
    assert tried(seed=7)[1:] != tried(seed=8)[1:]


class Interrupted(Exception):
    """Stands for a process that is killed."""


@pytest.mark.parametrize("after", [0, 1, 5, 14])
def test_after_a_break_it_goes_on_as_if_there_had_been_none(tmp_path: Path, after: int) -> None:
    file = tmp_path / "below" / "search.sqlite"
    seen: list[Choice] = []

    def breaks(parameters: Choice) -> float:
        if len(seen) == after:
            raise Interrupted
        seen.append(dict(parameters))
        return bowl(parameters)

    with pytest.raises(Interrupted):
        run(breaks, trials=20, file=file)
    assert len(seen) == after
    resumed = tried(seed=7, file=file, trials=20)
    whole = tried(seed=7, trials=20)
    assert seen + resumed == whole
    again, never = run(trials=20, file=file), run(trials=20)
    assert again.resumed == 20
    assert (again.parameters, again.error, again.first_error) == (
        never.parameters,
        never.error,
        never.first_error,
    )


def test_a_larger_budget_goes_on_where_a_smaller_one_ended(tmp_path: Path) -> None:
    file = tmp_path / "search.sqlite"
    first = tried(seed=7, file=file, trials=6)
    more = tried(seed=7, file=file, trials=15)
    assert first + more == tried(seed=7, trials=15)
    assert tried(seed=7, file=file, trials=10) == []
    assert run(file=file, trials=10) == run(trials=10, file=file, clock=lambda: 9.0)


def test_another_study_of_the_file_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "search.sqlite"
    run(file=file, trials=5, study="one")
    assert run(file=file, trials=5, study="other").resumed == 0


def test_seconds_end_it_and_count_across_breaks(tmp_path: Path) -> None:
    file, now = tmp_path / "search.sqlite", [0.0]

    def slow(parameters: Choice) -> float:
        now[0] += 10.0
        return bowl(parameters)

    found = run(slow, seconds=35.0, file=file, clock=lambda: now[0])
    assert (found.trials, found.seconds) == (4, 40.0)
    assert run(slow, seconds=35.0, file=file, clock=lambda: now[0]).trials == 4
    assert run(slow, seconds=55.0, file=file, clock=lambda: now[0]).trials == 6
    assert run(slow, seconds=0.0, clock=lambda: now[0]).trials == 1


def test_a_first_outside_the_range_stretches_it() -> None:
    far: Choice = {"penalty": 1e5, "depth": 20}
    found = run(first=far, trials=3)
    assert found.first_error == bowl(far)


def test_progress_counts_trials_resumed_and_new(tmp_path: Path) -> None:
    file = tmp_path / "search.sqlite"
    advanced: list[int] = []
    run(file=file, trials=4)
    search(
        bowl,
        SPACE,
        FIRST,
        budget=Budget(trials=6),
        seed=7,
        study="bowl",
        file=file,
        advance=advanced.append,
    )
    assert advanced == [4, 1, 1]
