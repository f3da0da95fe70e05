"""Everything that a training run depends on, in one typed object.

Values come from, the later the stronger: the defaults here, a TOML file (``--config``), environment
variables ``TICKCAST_TRAIN_*`` (``__`` leads into a section, as in ``TICKCAST_TRAIN_RIDGE__ALPHA``)
and flags.
An unknown key is an error, wherever it stands.
"""

import json
import os
import tomllib
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliPositionalArg,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from tickcast_trainer.errors import InvalidSettings
from tickcast_trainer.estimator_settings import (
    AverageSettings,
    ElasticNetSettings,
    EstimatorName,
    ExtraTreesSettings,
    LightGBMSettings,
    MLPSettings,
    RidgeSettings,
    StackSettings,
    XGBoostSettings,
    split_names,
)
from tickcast_trainer.validation.settings import SearchSettings, SplitName

__all__ = ["ENVIRONMENT_PREFIX", "EstimatorName", "TrainSettings", "load_settings"]

ENVIRONMENT_PREFIX = "TICKCAST_TRAIN_"

# A model is called name-estimator, and model names have 63 characters at most: -elastic-net has 12.
_NAME = r"^[a-z][a-z0-9-]{0,50}$"
_NOT_PRINTED = {"config", "print_config"}


class TrainSettings(BaseSettings):
    """Settings of one training run."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        cli_prog_name="tickcast-train",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    name: str = Field(pattern=_NAME, description="models are called NAME-ESTIMATOR")
    source: str = Field(
        default="bundled", description="where bars come from: bundled, csv, parquet"
    )
    path: CliPositionalArg[str] = Field(default="", description="file or folder of the source")
    timeframe: str | None = Field(
        default=None, description="such as 5m or 1d; inferred from the bars if absent"
    )
    until: datetime | None = Field(
        default=None,
        description="use bars that had closed by then, such as 2012-03-01; UTC without a zone",
    )
    horizon: int = Field(default=1, ge=1, le=1000, description="bars from prediction to target")
    models: Path = Field(
        default=Path(".tickcast/models"), description="model repository to write to"
    )
    promote: bool = Field(default=False, description="make the new versions champion at once")
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
    paths: bool = Field(
        default=False, description="score five paths of combinatorial purged cross-validation"
    )
    coverage: float = Field(
        default=0.9, ge=0.5, le=0.99, description="share of targets that intervals are to hold"
    )
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
    average: AverageSettings = AverageSettings()
    stack: StackSettings = StackSettings()
    config: Path | None = Field(default=None, description="TOML file with any of these settings")
    print_config: bool = Field(default=False, description="print the settings as TOML and stop")

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

    @field_validator("until")
    @classmethod
    def _utc_without_zone(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the TOML file under the environment; no .env file is read."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def to_toml(self) -> str:
        """Return the settings as a TOML file that gives the same run."""
        values = self.model_dump(mode="json", exclude=_NOT_PRINTED, exclude_none=True)
        sections = {key: value for key, value in values.items() if isinstance(value, dict)}
        lines = _toml_lines({key: value for key, value in values.items() if key not in sections})
        for name, section in sections.items():
            lines += ["", f"[{name}]", *_toml_lines(section)]
        return "\n".join(lines)


def load_settings(arguments: Sequence[str]) -> TrainSettings:
    """Gather the settings from file, environment and ``arguments``.

    Raises InvalidSettings, naming each key, the value found and what is needed; SystemExit after
    ``--help``.
    """
    _refuse_unknown_variables()
    file = _settings_file(arguments)

    class FromFile(TrainSettings):
        model_config = SettingsConfigDict(toml_file=file)

    FromFile.__doc__ = "Train models walk-forward on price bars and write them as model packages."
    try:
        return CliApp.run(FromFile, cli_args=list(arguments), cli_exit_on_error=False)
    except ValidationError as error:
        raise InvalidSettings("\n".join(map(_describe, error.errors()))) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(f"{file}: was no TOML file ({error}), needed one") from error
    except SettingsError as error:
        raise InvalidSettings(str(error)) from error


def _settings_file(arguments: Sequence[str]) -> Path | None:
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", default=os.environ.get(f"{ENVIRONMENT_PREFIX}CONFIG"))
    named: str | None = parser.parse_known_args(arguments)[0].config
    if named is None:
        return None
    if not Path(named).is_file():
        raise InvalidSettings(f"config: was {named}, needed a TOML file that exists")
    return Path(named)


def _refuse_unknown_variables() -> None:
    # pydantic-settings reads the variables that it knows and never looks at the others.
    known = {name.upper() for name in TrainSettings.model_fields}
    for variable in sorted(os.environ):
        key = variable.upper().removeprefix(ENVIRONMENT_PREFIX)
        if key != variable.upper() and key.split("__")[0] not in known:
            names = ", ".join(ENVIRONMENT_PREFIX + name for name in sorted(known))
            raise InvalidSettings(f"environment: was {variable}, needed one of {names}")


def _describe(error: Any) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        variable = ENVIRONMENT_PREFIX + path.upper()
        return f"{path}: was absent, needed as --{path}, as {variable} or in the settings file"
    if error["type"] == "extra_forbidden":
        return f"{path}: was given, but there is no such setting"
    return f"{path}: was {error['input']!r}, needed: {error['msg']}"


def _toml_lines(values: dict[str, Any]) -> list[str]:
    # JSON's scalars and lists of scalars are TOML's.
    return [f"{key} = {json.dumps(value)}" for key, value in values.items()]
