"""What a feature set is, in values that a manifest can hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tickcast_modelkit.features.cross_section import Rank

_ID_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpecification:
    """One feature."""

    name: str
    function: str
    """Name of the function that computes it."""

    parameters: Mapping[str, int | float]
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossSectionSpecification:
    """What places a symbol among others."""

    ranks: tuple[Rank, ...]

    universe: tuple[str, ...]
    """Symbols that are ranked among each other, in order; empty while no dataset has bound them."""

    minimum_share: float
    """Share of the expected symbols that must have a row, above 0 and at most 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSetSpecification:
    """A feature set, whole when all of its functions are modelkit's."""

    name: str
    window: int
    minimum_bars: int

    code: str
    """Digest of the file that brought functions of its own; empty when all are modelkit's."""

    features: tuple[FeatureSpecification, ...]

    cross_section: CrossSectionSpecification | None = None
    """None for a set that sees one symbol at a time."""

    @property
    def id(self) -> str:
        """Name and digest: equal ids compute equal features."""
        digested = asdict(self)
        if not self.code:
            # As ids were before sets could bring code.
            del digested["code"]
        if self.cross_section is None:
            # As ids were before sets could rank.
            del digested["cross_section"]
        text = json.dumps(digested, sort_keys=True, separators=(",", ":"))
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]}"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the vector: ranks are behind the others."""
        ranks = self.cross_section.ranks if self.cross_section else ()
        return (*(item.name for item in self.features), *(rank.name for rank in ranks))
