"""How old the last bar of a symbol may be when a model is asked for the future of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tickcast_server.errors import PredictionOutdated
from tickcast_server.serving.model import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeLimit:
    """What is too old, and what becomes of it."""

    bars: float | None
    """Age past which a prediction is outdated, in bars of the model's timeframe; None for never."""

    refuse: bool
    """Whether it is refused then; otherwise it is flagged."""


class Staleness:
    """The limits of all models."""

    def __init__(self, default: AgeLimit, by_model: Mapping[str, AgeLimit]) -> None:
        self._default = default
        self._by_model = by_model

    def is_outdated(self, model: LoadedModel, symbol: str, age: float) -> bool:
        """Whether a prediction from a bar that closed `age` seconds ago is to be flagged.

        Raises `PredictionOutdated` where the limit says so.
        """
        limit = self._by_model.get(model.manifest.name, self._default)
        if limit.bars is None:
            return False
        seconds = limit.bars * model.manifest.timeframe.seconds
        if age <= seconds:
            return False
        if limit.refuse:
            raise PredictionOutdated(symbol, model.timeframe, age=age, limit=seconds)
        return True
