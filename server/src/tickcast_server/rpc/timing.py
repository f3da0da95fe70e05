"""Where the time of a call went, told to a caller who asks."""

from __future__ import annotations

from tickcast_server.turn import Stage, Turn

TIMING = "tickcast-timing"
"""Metadata with which a caller asks: `tickcast-timing: 1`."""

TIMING_KEYS = [f"tickcast-timing-{stage.name.lower()}-us" for stage in Stage]
"""The keys of the answer's trailing metadata."""


def timing_metadata(turn: Turn) -> tuple[tuple[str, str], ...]:
    """Whole microseconds of each stage, as trailing metadata."""
    return tuple(
        (key, str(round(spent * 1e6))) for key, spent in zip(TIMING_KEYS, turn.seconds, strict=True)
    )
