"""Everything that a training run depends on, in one typed object."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_settings import CliPositionalArg, NoDecode, SettingsConfigDict

from tickcast_trainer import configuration
from tickcast_trainer.configuration import Instant, ProgramSettings
from tickcast_trainer.engine.engine import EngineName
from tickcast_trainer.estimator_settings import (
    AverageSettings,
    ElasticNetSettings,
    EstimatorName,
    ExtraTreesSettings,
    LightGBMSettings,
    LogisticSettings,
    MLPSettings,
    QuantileSettings,
    RidgeSettings,
    StackSettings,
    XGBoostSettings,
    split_names,
)
from tickcast_trainer.validation.settings import SearchSettings, SplitName

__all__ = ["ENVIRONMENT_PREFIX", "EstimatorName", "TrainSettings", "load_settings"]

ENVIRONMENT_PREFIX = "TICKCAST_TRAIN_"

# A model is called name-estimator, and model names have 63 characters at most: -xgboost-direction
# has 18.
_NAME = r"^[a-z][a-z0-9-]{0,44}$"


class TrainSettings(ProgramSettings):
    """Settings of one training run."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        cli_prog_name="tickcast-train",
    )
    summary: ClassVar[str] = (
        "Train models walk-forward on price bars and write them as model packages."
    )

    name: str = Field(pattern=_NAME, description="models are called NAME-ESTIMATOR")
    source: str = Field(
        default="bundled", description="where bars come from: bundled, csv, parquet"
    )
    path: CliPositionalArg[str] = Field(default="", description="file or folder of the source")
    timeframe: str | None = Field(
        default=None, description="such as 5m or 1d; inferred from the bars if absent"
    )
    until: Instant | None = Field(
        default=None,
        description="use bars that had closed by then, such as 2012-03-01; UTC without a zone",
    )
    features: Path | None = Field(
        default=None, description="Python file of your own that declares feature sets"
    )
    feature_set: str = Field(
        default="", description="name of the set; core, or the only one of your file, if absent"
    )
    horizon: int = Field(default=1, ge=1, le=1000, description="bars from prediction to target")
    target: Literal["log-return", "volatility-scaled", "triple-barrier"] = Field(
        default="log-return",
        description="what is fitted: the return over the horizon, in units of volatility or not, "
        "or up to the first close beyond a barrier",
    )
    barrier: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="triple-barrier: distance of both barriers, in volatilities over the horizon",
    )
    models: Path = Field(
        default=Path(".tickcast/models"), description="model repository to write to"
    )
    promote: bool = Field(default=False, description="make the new versions champion at once")
    registry: Literal["mlflow"] | None = Field(
        default=None, description="model registry to log runs and versions to, beside the folder"
    )
    registry_url: str | None = Field(
        default=None, description="its address; MLFLOW_TRACKING_URI if absent"
    )
    estimators: Annotated[tuple[EstimatorName, ...], NoDecode] = Field(
        default=("ridge", "xgboost"), description="models to train, separated by commas"
    )
    folds: int = Field(default=8, ge=2, le=100, description="walk-forward folds")
    split: SplitName = Field(
        default="expanding",
        description="train each fold on all of its past, or rolling on as much as the first has",
    )
    leak_check: bool = Field(
        default=True,
        description="fit again to look for leaks, which takes three to four times the folds' time",
    )
    report: bool = Field(
        default=True, description="write a page of figures beside each package, and as JSON"
    )
    paths: bool = Field(
        default=False, description="score five paths of combinatorial purged cross-validation"
    )
    coverage: float = Field(
        default=0.9, ge=0.5, le=0.99, description="share of targets that intervals are to hold"
    )
    bands: Literal["split", "quantile"] = Field(
        default="split",
        description="intervals as wide as volatility, or of quantiles that are fitted themselves",
    )
    engine: EngineName = Field(
        default="local", description="compute on processes of this machine, or on Ray"
    )
    processes: int = Field(default=1, ge=1, le=1024, description="how many at once")
    seed: int = Field(
        default=7, ge=0, le=2**31 - 1, description="the same seed and bars give the same models"
    )
    search: SearchSettings = SearchSettings()
    ridge: RidgeSettings = RidgeSettings()
    elastic_net: ElasticNetSettings = ElasticNetSettings()
    extra_trees: ExtraTreesSettings = ExtraTreesSettings()
    xgboost: XGBoostSettings = XGBoostSettings()
    lightgbm: LightGBMSettings = LightGBMSettings()
    mlp: MLPSettings = MLPSettings()
    logistic: LogisticSettings = LogisticSettings()
    xgboost_direction: XGBoostSettings = XGBoostSettings()
    quantile: QuantileSettings = QuantileSettings()
    average: AverageSettings = AverageSettings()
    stack: StackSettings = StackSettings()

    @field_validator("estimators", mode="before")
    @classmethod
    def _split_estimators(cls, value: object) -> object:
        return split_names(value)

    @field_validator("estimators")
    @classmethod
    def _each_estimator_once(cls, value: tuple[EstimatorName, ...]) -> tuple[EstimatorName, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError("at least one estimator, each at most once")
        return value


def load_settings(arguments: Sequence[str]) -> TrainSettings:
    """Gather the settings from file, environment and ``arguments``.

    Raises InvalidSettings, naming each key, the value found and what is needed; SystemExit after
    ``--help``.
    """
    return configuration.load_settings(TrainSettings, arguments)
