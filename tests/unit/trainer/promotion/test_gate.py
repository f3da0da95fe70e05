"""Every condition of the gate is held against its own figure."""

from dataclasses import replace
from typing import Any

import pytest
from tickcast_trainer.promotion.evidence import Evidence
from tickcast_trainer.promotion.gate import check_gate
from tickcast_trainer.promotion.settings import GateSettings

GATE = GateSettings(
    rmse_ratio=1.0, p_value=0.1, r2_vs_zero=0.001, coverage_gap=0.02, sharpe_lead=0.1, drawdown=0.3
)
CHAMPION = Evidence(
    version=1,
    rows=1_000,
    rmse=0.02,
    r2_vs_zero=0.002,
    directional_accuracy=0.52,
    coverage=0.9,
    nominal_coverage=0.9,
    sharpe=0.5,
    total_return=0.1,
    maximum_drawdown=0.2,
)
GOOD = replace(CHAMPION, version=2, rmse=0.0199, sharpe=0.7)


def failed(
    candidate: Evidence, champion: Evidence | None = CHAMPION, p: float | None = 0.05
) -> set[str]:
    return {check.name for check in check_gate(GATE, candidate, champion, p) if not check.passed}


def test_a_candidate_that_is_better_in_everything_passes() -> None:
    assert failed(GOOD) == set()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"rmse": 0.0201}, "rmse_ratio"),
        ({"r2_vs_zero": 0.0005}, "r2_vs_zero"),
        ({"coverage": 0.87}, "coverage_gap"),
        ({"coverage": 0.93}, "coverage_gap"),
        ({"sharpe": 0.55}, "sharpe_lead"),
        ({"sharpe": None}, "sharpe_lead"),
        ({"maximum_drawdown": 0.31}, "drawdown"),
    ],
)
def test_each_figure_fails_its_own_check_alone(change: dict[str, Any], name: str) -> None:
    assert failed(replace(GOOD, **change)) == {name}


def test_a_lead_that_chance_explains_fails() -> None:
    assert failed(GOOD, p=0.2) == {"p_value"}
    assert failed(GOOD, p=None) == {"p_value"}


def test_the_first_champion_is_held_against_zero_and_its_own_promises() -> None:
    names = {check.name for check in check_gate(GATE, GOOD, None, None)}
    assert names == {"r2_vs_zero", "coverage_gap", "drawdown"}
    assert failed(replace(GOOD, r2_vs_zero=-0.1), champion=None, p=None) == {"r2_vs_zero"}


def test_a_check_says_what_was_found_and_what_is_needed() -> None:
    (check, *_) = check_gate(GATE, replace(GOOD, r2_vs_zero=-0.01), CHAMPION, 0.05)
    assert str(check) == "r2_vs_zero: was -0.01, needed at least 0.001"
