"""Everything that a backtest depends on, in one typed object.

Values come from, the later the stronger: the defaults here, a TOML file (``--config``), environment
variables ``TICKCAST_BACKTEST_*`` (``__`` leads into a section, as in
``TICKCAST_BACKTEST_RSI__SPAN``) and flags. An unknown key is an error, wherever it stands.
"""

import json
import os
import tomllib
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliPositionalArg,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from tickcast_trainer.errors import InvalidSettings

StrategyName = Literal["rsi", "sma-cross", "macd", "buy-and-hold", "model"]
ENVIRONMENT_PREFIX = "TICKCAST_BACKTEST_"

_NOT_PRINTED = {"config", "print_config", "json_output"}


class RsiSettings(BaseModel):
    """Parameters of the relative strength index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    span: int = Field(default=14, ge=2, le=1000, description="bars of the average")
    oversold: float = Field(default=30.0, ge=0, le=100, description="buy below it")
    middle: float = Field(default=50.0, ge=0, le=100, description="leave when it is crossed")
    overbought: float = Field(default=70.0, ge=0, le=100, description="sell short above it")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.oversold < self.middle < self.overbought:
            raise ValueError("oversold below middle below overbought")
        return self


class SmaCrossSettings(BaseModel):
    """Parameters of the crossing of two simple averages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fast: int = Field(default=20, ge=1, le=10_000, description="bars of the fast average")
    slow: int = Field(default=50, ge=2, le=10_000, description="bars of the slow average")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError("fast below slow")
        return self


class MacdSettings(BaseModel):
    """Parameters of MACD."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fast: int = Field(default=12, ge=1, le=10_000, description="bars of the fast average")
    slow: int = Field(default=26, ge=2, le=10_000, description="bars of the slow average")
    signal: int = Field(default=9, ge=1, le=10_000, description="bars of the signal line")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError("fast below slow")
        return self


class ModelSettings(BaseModel):
    """How predicted log returns become positions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enter: float = Field(default=0.0, ge=0, description="trade predictions further from zero")
    leave: float | None = Field(
        default=None, ge=0, description="leave at predictions no further than this; enter if absent"
    )
    full: float | None = Field(
        default=None, gt=0, description="prediction worth a full position; any is if absent"
    )

    @model_validator(mode="after")
    def _leave_within_enter(self) -> Self:
        if self.leave is not None and self.leave > self.enter:
            raise ValueError("leave at most enter")
        return self


class BacktestSettings(BaseSettings):
    """Settings of one backtest."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        cli_prog_name="tickcast backtest",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        # A field called json would hide a method of pydantic's.
        cli_shortcuts={"json-output": "json"},
    )

    strategy: StrategyName = Field(description="what decides the positions")
    source: str = Field(
        default="bundled", description="where bars come from: bundled, csv, parquet"
    )
    path: CliPositionalArg[str] = Field(default="", description="file or folder of the source")
    timeframe: str | None = Field(
        default=None, description="such as 5m or 1d; inferred from the bars if absent"
    )
    start: datetime | None = Field(
        default=None,
        description="test bars that open then or later, such as 2012-03-01; UTC without a zone",
    )
    end: datetime | None = Field(default=None, description="use bars that had closed by then")
    model_package: Path | None = Field(
        default=None, description="folder of the package, such as .tickcast/models/daily-ridge/1"
    )
    in_sample: bool = Field(
        default=False, description="test a model on bars that it was trained on, and say so"
    )
    long_only: bool = Field(default=False, description="take no short positions")
    symbol_limit: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="weight of a full position; the gross limit over the symbols if absent",
    )
    gross_limit: float = Field(
        default=1.0, gt=0, le=10, description="most that long and short weights add up to"
    )
    fill: Literal["open", "close"] = Field(
        default="open", description="price of the next bar that trades are filled at"
    )
    rebalance: Literal["on-change", "every-bar"] = Field(
        default="on-change", description="when holdings are traded back to their weights"
    )
    commission_bps: float = Field(
        default=1.0, ge=0, le=1000, description="commission in basis points of the value traded"
    )
    slippage_bps: float = Field(
        default=2.0, ge=0, le=1000, description="slippage in basis points of the value traded"
    )
    slippage_of_range: float = Field(
        default=0.0, ge=0, le=1, description="slippage as a share of the bar's range, besides"
    )
    borrow_rate: float = Field(
        default=0.005, ge=0, le=10, description="yearly rate paid on short positions"
    )
    rsi: RsiSettings = RsiSettings()
    sma_cross: SmaCrossSettings = SmaCrossSettings()
    macd: MacdSettings = MacdSettings()
    model: ModelSettings = ModelSettings()
    json_output: bool = Field(default=False, description="print all figures as JSON")
    config: Path | None = Field(default=None, description="TOML file with any of these settings")
    print_config: bool = Field(default=False, description="print the settings as TOML and stop")

    @field_validator("start", "end")
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
        """Return the settings as a TOML file that gives the same backtest."""
        values = self.model_dump(mode="json", exclude=_NOT_PRINTED, exclude_none=True)
        sections = {key: value for key, value in values.items() if isinstance(value, dict)}
        lines = _toml_lines({key: value for key, value in values.items() if key not in sections})
        for name, section in sections.items():
            lines += ["", f"[{name}]", *_toml_lines(section)]
        return "\n".join(lines)


def load_settings(arguments: Sequence[str]) -> BacktestSettings:
    """Gather the settings from file, environment and ``arguments``.

    Raises InvalidSettings, naming each key, the value found and what is needed; SystemExit after
    ``--help``.
    """
    _refuse_unknown_variables()
    file = _settings_file(arguments)

    class FromFile(BacktestSettings):
        model_config = SettingsConfigDict(toml_file=file)

    FromFile.__doc__ = "Run a rule or a model over past bars, beside buy-and-hold, after costs."
    try:
        settings = CliApp.run(FromFile, cli_args=list(arguments), cli_exit_on_error=False)
    except ValidationError as error:
        raise InvalidSettings("\n".join(map(_describe, error.errors()))) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(f"{file}: was no TOML file ({error}), needed one") from error
    except SettingsError as error:
        raise InvalidSettings(str(error)) from error
    _check_together(settings)
    return settings


def _check_together(settings: BacktestSettings) -> None:
    if settings.strategy == "model" and settings.model_package is None:
        raise InvalidSettings(
            "model_package: was absent, needed with --strategy model as --model-package, "
            "such as .tickcast/models/daily-ridge/1"
        )
    if settings.strategy != "model" and settings.model_package is not None:
        raise InvalidSettings(
            f"model_package: was {settings.model_package}, needed none "
            f"with --strategy {settings.strategy}"
        )
    if settings.start and settings.end and settings.start >= settings.end:
        raise InvalidSettings(
            f"end: was {settings.end.isoformat()}, needed after start, {settings.start.isoformat()}"
        )


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
    known = {name.upper() for name in BacktestSettings.model_fields}
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
    return f"{path}: was {error['input']!r}, needed: {error['msg'].removeprefix('Value error, ')}"


def _toml_lines(values: dict[str, Any]) -> list[str]:
    # JSON's scalars are TOML's.
    return [f"{key} = {json.dumps(value)}" for key, value in values.items()]
