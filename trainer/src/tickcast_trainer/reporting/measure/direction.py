"""How good the probabilities of a rise are, as a part of the report."""

from tickcast_trainer.reporting.document import Direction, DirectionGroup
from tickcast_trainer.reporting.measure.estimates import estimate_of
from tickcast_trainer.validation.direction import DirectionSkill


def direction_part(found: DirectionSkill | None) -> Direction | None:
    """Return what was measured; None of a model that answers no probability itself."""
    if found is None:
        return None
    return Direction(
        brier=found.brier,
        base_rate_brier=found.base_brier,
        log_loss=found.log_loss,
        base_rate_log_loss=found.base_log_loss,
        p_value=found.p_value,
        beats_base_rate=found.beats_base_rate,
        groups=tuple(
            DirectionGroup(said=group.said, rose=estimate_of(group.rose))
            for group in found.reliability
        ),
    )
