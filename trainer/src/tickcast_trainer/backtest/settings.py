"""Everything that a backtest depends on, in one typed object."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import CliPositionalArg, SettingsConfigDict

from tickcast_trainer import configuration
from tickcast_trainer.configuration import Instant, ProgramSettings, Section
from tickcast_trainer.errors import InvalidSettings

StrategyName = Literal["rsi", "sma-cross", "macd", "buy-and-hold", "model"]
ENVIRONMENT_PREFIX = "TICKCAST_BACKTEST_"


class RsiSettings(Section):
    """Parameters of the relative strength index."""

    span: int = Field(default=14, ge=2, le=1000, description="bars of the average")
    oversold: float = Field(default=30.0, ge=0, le=100, description="buy below it")
    middle: float = Field(default=50.0, ge=0, le=100, description="leave when it is crossed")
    overbought: float = Field(default=70.0, ge=0, le=100, description="sell short above it")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.oversold < self.middle < self.overbought:
            raise ValueError("oversold below middle below overbought")
        return self


class SmaCrossSettings(Section):
    """Parameters of the crossing of two simple averages."""

    fast: int = Field(default=20, ge=1, le=10_000, description="bars of the fast average")
    slow: int = Field(default=50, ge=2, le=10_000, description="bars of the slow average")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError("fast below slow")
        return self


class MacdSettings(Section):
    """Parameters of MACD."""

    fast: int = Field(default=12, ge=1, le=10_000, description="bars of the fast average")
    slow: int = Field(default=26, ge=2, le=10_000, description="bars of the slow average")
    signal: int = Field(default=9, ge=1, le=10_000, description="bars of the signal line")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError("fast below slow")
        return self


class ModelSettings(Section):
    """How predicted log returns become positions."""

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


class BacktestSettings(ProgramSettings):
    """Settings of one backtest."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        cli_prog_name="tickcast backtest",
        # A field called json would hide a method of pydantic's.
        cli_shortcuts={"json-output": "json"},
    )
    summary: ClassVar[str] = (
        "Run a rule or a model over past bars, beside buy-and-hold, after costs."
    )
    not_printed: ClassVar[frozenset[str]] = frozenset({"config", "print_config", "json_output"})

    strategy: StrategyName = Field(description="what decides the positions")
    source: str = Field(
        default="bundled", description="where bars come from: bundled, csv, parquet"
    )
    path: CliPositionalArg[str] = Field(default="", description="file or folder of the source")
    timeframe: str | None = Field(
        default=None, description="such as 5m or 1d; inferred from the bars if absent"
    )
    start: Instant | None = Field(
        default=None,
        description="test bars that open then or later, such as 2012-03-01; UTC without a zone",
    )
    end: Instant | None = Field(default=None, description="use bars that had closed by then")
    model_package: Path | None = Field(
        default=None, description="folder of the package, such as .tickcast/models/daily-ridge/1"
    )
    features: Path | None = Field(
        default=None, description="Python file that declares the feature set of the model"
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


def load_settings(arguments: Sequence[str]) -> BacktestSettings:
    """Gather the settings, and check those that must fit each other.

    Raises InvalidSettings, naming each key, the value found and what is needed; SystemExit after
    ``--help``.
    """
    settings = configuration.load_settings(BacktestSettings, arguments)
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
