"""FeatureService."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tickcast.v1 import feature_service_pb2 as pb
from tickcast_modelkit.features import FeatureSet

from tickcast_server.errors import FeatureSetNotFound
from tickcast_server.rpc import decode, encode
from tickcast_server.rpc.call import Call
from tickcast_server.rpc.names import parse_feature_set
from tickcast_server.rpc.paging import page_of, page_request
from tickcast_server.rpc.violations import Violations
from tickcast_server.store.memory import Memory
from tickcast_server.store.store import SeriesKey

_FORM = "featureSets/{id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureServicer:
    """Decodes, reads features, encodes."""

    memory: Memory
    feature_sets: Callable[[], Mapping[str, FeatureSet]]
    now: Callable[[], float]

    async def get_features(
        self, request: pb.GetFeaturesRequest, call: Call
    ) -> pb.GetFeaturesResponse:
        wrong = Violations()
        decode.symbol(request.symbol, "symbol", wrong)
        decode.timeframe(request.timeframe, "timeframe", wrong)
        identity = _identity(request.feature_set, "feature_set", wrong)
        wrong.check()
        feature_set = self._find(identity)
        if feature_set.is_unbound:
            wrong.add(
                "feature_set",
                f"was {request.feature_set}, which ranks symbols and names no universe, needed "
                "that of a model trained on it",
            )
            wrong.check()
        key = SeriesKey(request.symbol, request.timeframe)
        row, cached = await self.memory.features(key, feature_set, turn=call.turn)
        vector = encode.feature_vector(
            key, feature_set, row, cached=cached, stale=self.memory.stale, now=self.now()
        )
        return pb.GetFeaturesResponse(feature_vector=vector)

    async def list_feature_sets(
        self, request: pb.ListFeatureSetsRequest, _call: Call
    ) -> pb.ListFeatureSetsResponse:
        page = page_request(
            size=request.page_size,
            token=request.page_token,
            default=100,
            maximum=1_000,
            arguments=[],
        )
        known = self.feature_sets()
        names, token = page_of(page, sorted(known), str)
        return pb.ListFeatureSetsResponse(
            feature_sets=[encode.feature_set(known[name]) for name in names],
            next_page_token=token,
        )

    async def get_feature_set(
        self, request: pb.GetFeatureSetRequest, _call: Call
    ) -> pb.GetFeatureSetResponse:
        wrong = Violations()
        identity = _identity(request.name, "name", wrong)
        wrong.check()
        return pb.GetFeatureSetResponse(feature_set=encode.feature_set(self._find(identity)))

    def _find(self, identity: str) -> FeatureSet:
        known = self.feature_sets()
        if identity not in known:
            raise FeatureSetNotFound(f"featureSets/{identity}", sorted(known))
        return known[identity]


def _identity(name: str, field: str, wrong: Violations) -> str:
    if not name:
        wrong.required(field, _FORM)
        return ""
    identity = parse_feature_set(name)
    if identity is None:
        wrong.add(field, f"was {name!r}, needed {_FORM}")
    return identity or ""
