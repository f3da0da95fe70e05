"""The feature sets that a server computes before any model is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tickcast_modelkit.features import FeatureSet, feature_sets, load_feature_file


def known_feature_sets(files: Iterable[Path]) -> Mapping[str, FeatureSet]:
    """Modelkit's sets and those that the operator's files declare, by id.

    A set whose functions are all modelkit's needs no file: its package describes it. Raises
    `tickcast_modelkit.errors.InvalidFeatureFile`.
    """
    known = dict(feature_sets())
    for file in files:
        known |= load_feature_file(file)
    return known
