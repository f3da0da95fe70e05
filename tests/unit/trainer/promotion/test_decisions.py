"""Decisions are kept in order, and tell whom to go back to."""

import json
from pathlib import Path

import pytest
from tickcast_trainer.promotion.decisions import (
    DECISIONS_FILE,
    Decision,
    Outcome,
    read_decisions,
    record,
)
from tickcast_trainer.promotion.errors import PromotionError
from tickcast_trainer.promotion.pipeline import _former_champion


def decision(outcome: Outcome, candidate: int, champion: int | None) -> Decision:
    return Decision(
        at="2026-01-01T00:00:00Z",
        outcome=outcome,
        candidate=candidate,
        champion=champion,
        reason="because",
        figures={"gate": {"p_value": 0.1}},
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "m").mkdir()
    return tmp_path


def test_what_is_recorded_is_read_again_in_order(repository: Path) -> None:
    assert read_decisions(repository, "m") == []
    made = [decision("refused", 2, 1), decision("forced", 2, 1), decision("rolled back", 1, 2)]
    for one in made:
        record(repository, "m", one)
    assert read_decisions(repository, "m") == made
    lines = (repository / "m" / DECISIONS_FILE).read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["refused", "forced", "rolled back"]


@pytest.mark.parametrize("line", ["{", "[]", '{"at": "x"}', '{"unknown": 1}'])
def test_a_line_that_is_no_decision_is_named(repository: Path, line: str) -> None:
    record(repository, "m", decision("refused", 2, 1))
    with (repository / "m" / DECISIONS_FILE).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(PromotionError, match="line 2"):
        read_decisions(repository, "m")


@pytest.mark.parametrize(
    ("decisions", "present", "former"),
    [
        ([], 1, None),
        ([("promoted", 1, None)], 1, None),
        ([("promoted", 2, 1)], 2, 1),
        ([("refused", 3, 2), ("promoted", 2, 1)], 2, 1),
        ([("promoted", 2, 1), ("forced", 3, 2)], 3, 2),
        ([("promoted", 2, 1), ("forced", 3, 2), ("rolled back", 2, 3)], 2, 1),
        ([("promoted", 2, 1), ("rolled back", 1, 2)], 1, None),
        ([("promoted", 2, 1), ("rolled back", 1, 2), ("promoted", 3, 1)], 3, 1),
        # Moved by hand since: nobody knows what came before.
        ([("promoted", 2, 1)], 7, None),
    ],
)
def test_the_former_champion_is_the_one_that_was_replaced(
    decisions: list[tuple[Outcome, int, int | None]], present: int, former: int | None
) -> None:
    assert _former_champion([decision(*one) for one in decisions], present) == former
