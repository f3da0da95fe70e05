"""Which versions are loaded, and which one a name stands for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tickcast_modelkit.features import FeatureSet

from tickcast_server.errors import (
    ModelNotFound,
    ModelVersionNotFound,
    ModelVersionNotReady,
    ModelWithoutManifest,
)
from tickcast_server.serving.foreign import ForeignModel
from tickcast_server.serving.model import LoadedModel

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model as a request names it."""

    model: str
    version: str | None
    """A number or an alias; None for the default version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One version in the repository."""

    name: str
    """Resource name, models/{model}/versions/{number}."""

    loaded: LoadedModel | ForeignModel | None
    """What answers. Kept when the files on disk are damaged later on."""

    failure: str | None
    """Why the files on disk were refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model at one moment."""

    name: str
    versions: Mapping[int, ModelVersion]
    aliases: Mapping[str, int]

    default: int
    """Number of the version that answers for the model's bare name; 0 for none."""

    def find(self, version: str) -> ModelVersion | None:
        """The version of this number or alias."""
        number = int(version) if version.isdecimal() else self.aliases.get(version, 0)
        return self.versions.get(number)


def choose_default(
    versions: Mapping[int, ModelVersion], aliases: Mapping[str, int], before: int
) -> int:
    """The champion; while it cannot answer, the version that answered before; else the newest."""
    loaded = {number for number, version in versions.items() if version.loaded is not None}
    for number in (aliases.get(CHAMPION, 0), before if CHAMPION in aliases else 0):
        if number in loaded:
            return number
    return max(loaded, default=0)


Catalogue = Mapping[str, ModelEntry]


class Models:
    """The versions that answer. Replaced as a whole, so that a reader never sees half a change."""

    def __init__(self) -> None:
        self._catalogue: Catalogue = MappingProxyType({})

    @property
    def catalogue(self) -> Catalogue:
        """Every model, by name. What it was at this moment: it does not change any more."""
        return self._catalogue

    def replace(self, catalogue: Catalogue) -> None:
        """Swaps in what the repository holds now. Calls that have resolved a version keep it."""
        self._catalogue = MappingProxyType(dict(sorted(catalogue.items())))

    def entry(self, model: str) -> ModelEntry:
        """One model. Raises `ModelNotFound`."""
        entry = self._catalogue.get(model)
        if entry is None:
            raise ModelNotFound(model, list(self._catalogue))
        return entry

    def version(self, ref: ModelRef) -> ModelVersion:
        """One version, ready or not.

        Raises `ModelNotFound`, `ModelVersionNotFound`.
        """
        entry = self.entry(ref.model)
        if ref.version is not None:
            found = entry.find(ref.version)
            if found is None:
                known = [*map(str, sorted(entry.versions)), *sorted(entry.aliases)]
                raise ModelVersionNotFound(ref.model, ref.version, known)
            return found
        if not entry.versions:
            raise ModelVersionNotFound(ref.model, CHAMPION, [])
        return entry.versions[entry.default or max(entry.versions)]

    def resolve(self, ref: ModelRef) -> LoadedModel:
        """The version that predicts. Whoever holds it keeps it, whatever is loaded meanwhile.

        Raises `ModelNotFound`, `ModelVersionNotFound`, `ModelVersionNotReady`,
        `ModelWithoutManifest`.
        """
        found = self.resolve_any(ref)
        if isinstance(found, ForeignModel):
            raise ModelWithoutManifest(found.name)
        return found

    def resolve_any(self, ref: ModelRef) -> LoadedModel | ForeignModel:
        """The version that answers, with a manifest or without.

        Raises `ModelNotFound`, `ModelVersionNotFound`, `ModelVersionNotReady`.
        """
        found = self.version(ref)
        if found.loaded is None:
            raise ModelVersionNotReady(found.name, found.failure or "it is not loaded")
        return found.loaded

    def feature_sets(self, timeframe: str | None = None) -> Mapping[str, FeatureSet]:
        """The feature sets that loaded models need, of one timeframe or of any, by id."""
        return {
            model.feature_set.id: model.feature_set
            for entry in self._catalogue.values()
            for version in entry.versions.values()
            if isinstance(model := version.loaded, LoadedModel)
            and timeframe in (None, model.timeframe)
        }

    def active_feature_sets(self, timeframe: str) -> Collection[FeatureSet]:
        """The feature sets that loaded models of a timeframe need."""
        return self.feature_sets(timeframe).values()
