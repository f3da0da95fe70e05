"""What a feature set is, in values that a manifest can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpecification:
    """One feature."""

    name: str
    function: str
    """Name of the function that computes it."""

    parameters: Mapping[str, int | float]
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSetSpecification:
    """A feature set, whole when all of its functions are modelkit's."""

    name: str
    window: int
    minimum_bars: int

    code: str
    """Digest of the file that brought functions of its own; empty when all are modelkit's."""

    features: tuple[FeatureSpecification, ...]
