"""Name to estimator: the one place that lists them all."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from tickcast_modelkit.features import CORE

from tickcast_trainer.errors import InvalidSettings
from tickcast_trainer.estimator_settings import (
    EstimatorName,
    MemberName,
)
from tickcast_trainer.estimators.by_volatility import ByVolatility
from tickcast_trainer.estimators.direction import Direction
from tickcast_trainer.estimators.ensemble import Average, Members, Stack
from tickcast_trainer.estimators.estimator import Estimator
from tickcast_trainer.estimators.extra_trees import ExtraTrees
from tickcast_trainer.estimators.lightgbm import LightGBM
from tickcast_trainer.estimators.linear import ElasticNet, Logistic, Ridge
from tickcast_trainer.estimators.mlp import MLP
from tickcast_trainer.estimators.xgboost import XGBoost, XGBoostOdds

if TYPE_CHECKING:
    from tickcast_trainer.settings import TrainSettings

VOLATILITY = "realised_volatility_20"
"""The feature that scaled targets are in units of."""

_ESTIMATORS: Mapping[EstimatorName, Callable[["TrainSettings"], Estimator]] = MappingProxyType(
    {
        "ridge": lambda settings: Ridge(settings.ridge),
        "elastic-net": lambda settings: ElasticNet(settings.elastic_net),
        "extra-trees": lambda settings: ExtraTrees(settings.extra_trees),
        "xgboost": lambda settings: XGBoost(settings.xgboost),
        "lightgbm": lambda settings: LightGBM(settings.lightgbm),
        "mlp": lambda settings: MLP(settings.mlp),
        "average": lambda settings: Average(_members(settings.average.members, settings)),
        "stack": lambda settings: Stack(
            _members(settings.stack.members, settings),
            folds=settings.stack.folds,
            shrinkage=settings.stack.shrinkage,
        ),
    }
)


_CLASSIFIERS: Mapping[EstimatorName, Callable[["TrainSettings"], Estimator]] = MappingProxyType(
    {
        "logistic": lambda settings: Logistic(settings.logistic),
        "xgboost-direction": lambda settings: XGBoostOdds(settings.xgboost_direction),
    }
)


def make_estimator(
    name: EstimatorName, settings: "TrainSettings", names: Sequence[str] = CORE.names
) -> Estimator:
    """Return the estimator of that name with the parameters that the settings give it.

    ``names`` are those of the features. Raises InvalidSettings when the target needs a feature that
    is not among them.
    """
    if name in _CLASSIFIERS:
        # Signs have no units, and moves are in units of volatility already.
        column = list(names).index(VOLATILITY) if VOLATILITY in names else None
        return Direction(classifier=_CLASSIFIERS[name](settings), volatility=column)
    estimator = _ESTIMATORS[name](settings)
    if settings.target != "volatility-scaled":
        return estimator
    if VOLATILITY not in names:
        raise InvalidSettings(
            f"target: was {settings.target}, needed a feature set with {VOLATILITY}, or log-return"
        )
    return ByVolatility(estimator, list(names).index(VOLATILITY))


def _members(names: Sequence[MemberName], settings: "TrainSettings") -> Members:
    return {name: _ESTIMATORS[name](settings) for name in names}
