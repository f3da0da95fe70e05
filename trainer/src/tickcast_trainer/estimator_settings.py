"""Names of the estimators and their parameters; here, as ``--help`` must not load their libraries.

The defaults are strong: next to nothing of a return can be forecast, and a fit that is left free
learns the rest. Each follows a rule instead of a search, so that no test fold chooses it.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from tickcast_trainer.configuration import Section

MemberName = Literal["ridge", "elastic-net", "extra-trees", "xgboost", "lightgbm", "mlp"]
EstimatorName = Literal[MemberName, "average", "stack", "logistic", "xgboost-direction"]

_DEFAULT_MEMBERS: tuple[MemberName, ...] = ("ridge", "extra-trees", "lightgbm")


class RidgeSettings(Section):
    """Parameters of ridge regression."""

    # Number of features over the R2 to expect, 35 / 0.35%: with this penalty the estimate is the
    # posterior mean under a normal prior of that R2.
    alpha: float = Field(default=10_000.0, gt=0, description="penalty on squared coefficients")


class LogisticSettings(Section):
    """Parameters of logistic regression."""

    # A quarter of ridge's, by the same rule: near even odds, a row weighs a quarter of what it does
    # in squared error.
    alpha: float = Field(default=2_500.0, gt=0, description="penalty on squared coefficients")


class ElasticNetSettings(Section):
    """Parameters of the elastic net."""

    alpha: float = Field(default=10_000.0, gt=0, description="penalty on squared coefficients")
    # What noise alone reaches: a third of the features that know nothing pass, and few that do are
    # dropped.
    sparsity: float = Field(
        default=1.0,
        ge=0,
        description="standard errors that a feature's covariance with the target must pass",
    )


class ExtraTreesSettings(Section):
    """Parameters of the extremely randomised trees."""

    trees: int = Field(default=200, ge=1, le=5000, description="number of trees")
    depth: int = Field(default=5, ge=1, le=12, description="splits from root to leaf")
    feature_share: float = Field(
        default=0.5, gt=0, le=1, description="share of features drawn for each split"
    )
    minimum_leaf_rows: int = Field(default=100, ge=1, description="fewest rows in a leaf")


class XGBoostSettings(Section):
    """Parameters of XGBoost's trees."""

    trees: int = Field(default=150, ge=1, le=5000, description="number of trees")
    depth: int = Field(default=3, ge=1, le=10, description="splits from root to leaf")
    learning_rate: float = Field(
        default=0.03, gt=0, le=1, description="share of each tree that is added"
    )
    row_share: float = Field(
        default=0.5, gt=0, le=1, description="share of rows drawn for each tree"
    )
    feature_share: float = Field(
        default=0.5, gt=0, le=1, description="share of features drawn for each tree"
    )
    minimum_leaf_rows: float = Field(default=50.0, ge=0, description="fewest rows in a leaf")
    penalty: float = Field(default=50.0, ge=0, description="penalty on squared leaf values")


class LightGBMSettings(Section):
    """Parameters of LightGBM's trees; the defaults regularise as those of XGBoost do."""

    trees: int = Field(default=150, ge=1, le=5000, description="number of trees")
    leaves: int = Field(default=8, ge=2, le=1024, description="leaves of a tree")
    learning_rate: float = Field(
        default=0.03, gt=0, le=1, description="share of each tree that is added"
    )
    row_share: float = Field(
        default=0.5, gt=0, le=1, description="share of rows drawn for each tree"
    )
    feature_share: float = Field(
        default=0.5, gt=0, le=1, description="share of features drawn for each tree"
    )
    minimum_leaf_rows: int = Field(default=50, ge=1, description="fewest rows in a leaf")
    penalty: float = Field(default=50.0, ge=0, description="penalty on squared leaf values")


class QuantileSettings(Section):
    """Parameters of the trees that are fitted to the tails of the return, with LightGBM."""

    trees: int = Field(default=150, ge=1, le=5000, description="number of trees of each tail")
    leaves: int = Field(default=8, ge=2, le=1024, description="leaves of a tree")
    learning_rate: float = Field(
        default=0.03, gt=0, le=1, description="share of each tree that is added"
    )
    # A leaf knows its quantile from the rows beyond it: with 25, their share to a fifth.
    tail_rows: int = Field(
        default=25, ge=1, description="fewest rows of a leaf to expect beyond its quantile"
    )


class MLPSettings(Section):
    """Parameters of the neural network."""

    units: int = Field(default=16, ge=1, le=256, description="units of the hidden layer")
    # One: what the gradient of a unit has from noise alone, sqrt(features x rows). Below, every
    # unit finds a pattern in noise.
    penalty: float = Field(
        default=1.0, gt=0, description="penalty on squared weights, in what noise alone calls for"
    )
    rounds: int = Field(default=200, ge=1, le=10_000, description="most rounds of the descent")


class _EnsembleSettings(Section):
    members: Annotated[tuple[MemberName, ...], NoDecode] = Field(
        default=_DEFAULT_MEMBERS, description="estimators of the ensemble, separated by commas"
    )

    @field_validator("members", mode="before")
    @classmethod
    def _split_members(cls, value: object) -> object:
        return split_names(value)

    @field_validator("members")
    @classmethod
    def _two_or_more(cls, value: tuple[MemberName, ...]) -> tuple[MemberName, ...]:
        if len(value) < 2 or len(set(value)) < len(value):
            raise ValueError("at least two estimators, each at most once")
        return value


class AverageSettings(_EnsembleSettings):
    """Parameters of the mean of several estimators."""


class StackSettings(_EnsembleSettings):
    """Parameters of the weighted sum of several estimators."""

    folds: int = Field(
        default=4, ge=1, le=20, description="walk-forward steps that weights are learned from"
    )
    shrinkage: float = Field(
        default=0.5, ge=0, le=1, description="how far weights are drawn towards equal ones"
    )


def split_names(value: object) -> object:
    """Return the names in a text that separates them by commas; anything else as it is."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value
