"""Time of each stage of the calls to a model, by model version."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from tickcast_server.observe.tallies import Distribution, Distributions
from tickcast_server.turn import Stage, Turn

_BOUNDS = (
    *(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001),
    *(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)


class StageSeconds:
    """`tickcast_stage_seconds`, by model version and stage."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Distributions(
            "tickcast_stage_seconds",
            "Time of calls to a model, by what it was spent on.",
            ["model_version", "stage"],
            bounds=_BOUNDS,
        )
        self._models: dict[str, list[Distribution]] = {}
        registry.register(self._seconds)

    def observe(self, turn: Turn) -> None:
        """Takes in every stage that the call went through."""
        model = self._models.get(turn.model_version)
        if model is None:
            model = self._models[turn.model_version] = self._of(turn.model_version)
        for distribution, spent in zip(model, turn.seconds, strict=True):
            if spent:
                distribution.observe(spent)

    def forget(self, version: str) -> None:
        """Drops a version's stages. What processes share of them stays."""
        self._models.pop(version, None)
        for stage in Stage:
            self._seconds.remove(version, stage.name.lower())

    def publish(self) -> None:
        """Adds what came since the last time to the metrics that processes share."""
        self._seconds.publish()

    def _of(self, version: str) -> list[Distribution]:
        return [self._seconds.labels(version, stage.name.lower()) for stage in Stage]
