"""What becomes of p-values when several models are compared: the best of many is lucky.

Holm (1979), "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
Statistics 6(2): the chance that any model without skill is said to have some stays below the level,
whatever the models have in common.
"""

from collections.abc import Mapping, Sequence

SIGNIFICANCE = 0.05
"""A gain over the best baseline counts when chance alone gives it more rarely than this."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number, in the same order."""
    adjusted = [0.0] * len(p_values)
    greatest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        greatest = max(greatest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = greatest
    return adjusted


def multiplicity_note(p_values: Mapping[str, float]) -> str | None:
    """Say what is left of each model's p-value among the others; None for fewer than two."""
    if len(p_values) < 2:
        return None
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    figures = ", ".join(f"{name} {p_value:.3f}" for name, p_value in adjusted.items())
    left = [name for name, p_value in adjusted.items() if p_value < SIGNIFICANCE]
    if left:
        said = f"what is left below {SIGNIFICANCE:.0%}: {', '.join(left)}"
    else:
        said = f"none is left below {SIGNIFICANCE:.0%}"
    return f"{len(p_values)} models were compared, so that p is, after Holm: {figures}; {said}."
