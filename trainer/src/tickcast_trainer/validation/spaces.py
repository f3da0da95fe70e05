"""Where the parameters of each estimator are looked for.

Around the defaults and mostly on the strong side: what little of a return can be forecast is found
by fits that are held back. Ensembles have no ranges: their members are searched by themselves.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tickcast_trainer.estimator_settings import EstimatorName
from tickcast_trainer.validation.search import Range, SearchSpace

_PENALTY = Range(low=100.0, high=1e6, is_logarithmic=True)
_LEARNING_RATE = Range(low=0.003, high=0.1, is_logarithmic=True)
_LEAF_ROWS = Range(low=20, high=500, is_logarithmic=True)
_SHARE = Range(low=0.2, high=1.0)

_BOOSTED: SearchSpace = {
    "trees": Range(low=50, high=300, is_logarithmic=True),
    "learning_rate": _LEARNING_RATE,
    "feature_share": _SHARE,
    "penalty": Range(low=1.0, high=1000.0, is_logarithmic=True),
}

SPACES: Mapping[EstimatorName, SearchSpace] = MappingProxyType(
    {
        "ridge": {"alpha": _PENALTY},
        "elastic-net": {"alpha": _PENALTY, "sparsity": Range(low=0.0, high=3.0)},
        "extra-trees": {
            "depth": Range(low=2, high=8),
            "feature_share": _SHARE,
            "minimum_leaf_rows": _LEAF_ROWS,
        },
        "xgboost": {
            **_BOOSTED,
            "depth": Range(low=1, high=5),
            "minimum_leaf_rows": Range(low=20.0, high=500.0, is_logarithmic=True),
        },
        "lightgbm": {
            **_BOOSTED,
            "leaves": Range(low=2, high=16),
            "minimum_leaf_rows": _LEAF_ROWS,
        },
        "logistic": {"alpha": Range(low=25.0, high=2.5e5, is_logarithmic=True)},
        "xgboost-direction": {
            **_BOOSTED,
            "depth": Range(low=1, high=5),
            "minimum_leaf_rows": Range(low=20.0, high=500.0, is_logarithmic=True),
        },
        "mlp": {
            "units": Range(low=4, high=32, is_logarithmic=True),
            "penalty": Range(low=0.3, high=30.0, is_logarithmic=True),
        },
    }
)
