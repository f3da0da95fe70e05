"""Answers to Predict by symbol that are given again while they still hold.

What such an answer says follows from the version that answers and the features of the last bar.
Both are replaced as a whole when they change, so that the same objects mean the same answer; only
its age and whether it is stale are told anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1.prediction_pb2 import FeatureProvenance

from tickcast_server.rpc.encode import write_age
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import Models
from tickcast_server.serving.predictor import HeldBars, PredictQuery
from tickcast_server.serving.staleness import Staleness
from tickcast_server.store.store import FeatureRow, SeriesKey
from tickcast_server.turn import Stage, Turn

# Names fit into it. A longer one has fields that are not known, for which there need be no room.
_LONGEST_REQUEST = 1_024


class HeldFeatures(Protocol):
    """What is in memory."""

    stale: bool

    def cached_features(self, key: SeriesKey, feature_set: str) -> FeatureRow | None: ...


class ReuseObserver(Protocol):
    """Counts what is given again."""

    def answer_reused(self, model_version: str, age: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basis:
    """What an answer follows from."""

    model: LoadedModel
    key: SeriesKey
    row: FeatureRow


class Answers:
    """The last answers, as many as are kept at most. Used by one event loop."""

    def __init__(
        self,
        models: Models,
        features: HeldFeatures,
        *,
        most: int,
        staleness: Staleness,
        observer: ReuseObserver,
        now: Callable[[], float],
    ) -> None:
        self._models = models
        self._features = features
        self._most = most
        self._staleness = staleness
        self._observer = observer
        self._now = now
        self._catalogue = models.catalogue
        self._kept: OrderedDict[bytes, tuple[Basis, pb.PredictResponse]] = OrderedDict()

    def find(self, request: bytes, turn: Turn) -> pb.PredictResponse | None:
        """The answer to the request with these bytes, when there is one that holds.

        It is the caller's until it next waits: the same message is given to the next one. Raises
        `PredictionOutdated`.
        """
        if self._models.catalogue is not self._catalogue:
            # Of versions, aliases or what they stand for, something has changed.
            self._catalogue = self._models.catalogue
            self._kept.clear()
        kept = self._kept.get(request)
        if kept is None:
            return None
        basis, response = kept
        if self._features.cached_features(basis.key, basis.model.feature_set.id) is not basis.row:
            del self._kept[request]
            return None
        self._kept.move_to_end(request)
        self._renew(basis, response.prediction.feature_provenance)
        turn.model_version = basis.model.name
        turn.end(Stage.FEATURES)
        return response

    def basis(self, query: PredictQuery) -> Basis | None:
        """What the answer will follow from, when no wait lies before it.

        Raises the errors of `Models.resolve`.
        """
        if query.source != HeldBars():
            return None
        model = self._models.resolve(query.model)
        key = SeriesKey(query.symbol, model.timeframe)
        row = self._features.cached_features(key, model.feature_set.id)
        if row is None:
            return None
        return Basis(model=model, key=key, row=row)

    def keep(self, request: bytes, basis: Basis, response: pb.PredictResponse) -> None:
        """Takes in the answer to a request with these bytes, which was made from `basis`.

        In place of the one not asked longest.
        """
        if not self._most or len(request) > _LONGEST_REQUEST:
            return
        if len(self._kept) >= self._most:
            self._kept.popitem(last=False)
        self._kept[request] = basis, response

    def _renew(self, basis: Basis, provenance: FeatureProvenance) -> None:
        age = max(self._now() - basis.row.as_of_time, 0.0)
        provenance.outdated = self._staleness.is_outdated(basis.model, basis.key.symbol, age)
        provenance.stale = self._features.stale
        write_age(age, provenance.age)
        self._observer.answer_reused(basis.model.name, age)
