"""Features: pure functions of the last bars of a symbol, the same in training and in serving."""

from tickcast_modelkit.features.catalog import CORE, feature_sets
from tickcast_modelkit.features.cross_section import Rank
from tickcast_modelkit.features.declared import (
    find_feature_set,
    from_specification,
    load_feature_file,
)
from tickcast_modelkit.features.feature_set import Feature, FeatureSet
from tickcast_modelkit.features.windows import Windows, last_window, sliding_windows

__all__ = [
    "CORE",
    "Feature",
    "FeatureSet",
    "Rank",
    "Windows",
    "feature_sets",
    "find_feature_set",
    "from_specification",
    "last_window",
    "load_feature_file",
    "sliding_windows",
]
