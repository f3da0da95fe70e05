"""Several models: p-values are raised by their number, and the note says what is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickcast_trainer.validation.multiplicity import holm, multiplicity_note


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@given(p_values=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_adjusted_values_keep_the_order_and_begin_with_bonferroni(
    p_values: list[float],
) -> None:
    adjusted = holm(p_values)
    ranked = [adjusted[index] for index in sorted(range(len(p_values)), key=p_values.__getitem__)]
    assert ranked == sorted(ranked)
    assert ranked[0] == pytest.approx(min(1.0, len(p_values) * min(p_values)))
    assert all(one <= other <= 1.0 for one, other in zip(p_values, adjusted, strict=True))


def test_the_note_names_what_is_left() -> None:
    assert multiplicity_note({"ridge": 0.015, "trees": 0.2}) == (
        "2 models were compared, so that p is, after Holm: ridge 0.030, trees 0.200; "
        "what is left below 5%: ridge."
    )
    assert "none is left" in (multiplicity_note({"ridge": 0.03, "trees": 0.2}) or "")


def test_one_model_needs_no_note() -> None:
    assert multiplicity_note({"ridge": 0.03}) is None
