"""The gate: named checks that a candidate passes, or does not."""

from collections.abc import Iterator
from dataclasses import dataclass

from tickcast_trainer.promotion.evidence import Evidence
from tickcast_trainer.promotion.settings import GateSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition, with the figure that it was held against."""

    name: str
    """Setting of the gate, such as ``rmse_ratio``."""

    value: float | None
    """What was found; None when there is no such figure, which passes no check."""

    limit: float
    at_most: bool
    """Whether the limit is the greatest value that passes, rather than the least."""

    @property
    def passed(self) -> bool:
        """Whether the condition holds."""
        if self.value is None:
            return False
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def __str__(self) -> str:
        found = "nothing" if self.value is None else f"{self.value:.4g}"
        needed = f"at {'most' if self.at_most else 'least'} {self.limit:.4g}"
        return f"{self.name}: was {found}, needed {needed}"


def check_gate(
    gate: GateSettings, candidate: Evidence, champion: Evidence | None, p_value: float | None
) -> tuple[Check, ...]:
    """Return every check; those beside the champion only when there is one."""
    return (*_alone(gate, candidate), *_beside(gate, candidate, champion, p_value))


def _alone(gate: GateSettings, candidate: Evidence) -> Iterator[Check]:
    yield Check(name="r2_vs_zero", value=candidate.r2_vs_zero, limit=gate.r2_vs_zero, at_most=False)
    yield Check(
        name="coverage_gap",
        value=abs(candidate.coverage - candidate.nominal_coverage),
        limit=gate.coverage_gap,
        at_most=True,
    )
    yield Check(
        name="drawdown", value=candidate.maximum_drawdown, limit=gate.drawdown, at_most=True
    )


def _beside(
    gate: GateSettings, candidate: Evidence, champion: Evidence | None, p_value: float | None
) -> Iterator[Check]:
    if champion is None:
        return
    yield Check(
        name="rmse_ratio",
        value=candidate.rmse / champion.rmse,
        limit=gate.rmse_ratio,
        at_most=True,
    )
    yield Check(name="p_value", value=p_value, limit=gate.p_value, at_most=True)
    # An account that never moved has earned nothing for what it risked.
    lead = (candidate.sharpe or 0.0) - (champion.sharpe or 0.0)
    yield Check(name="sharpe_lead", value=lead, limit=gate.sharpe_lead, at_most=False)
