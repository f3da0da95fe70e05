"""The settings of ``tickcast promote`` and ``tickcast rollback``."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic_settings import CliPositionalArg, SettingsConfigDict

from tickcast_trainer.configuration import Instant, ProgramSettings, Section

MODEL_NAME = r"^[a-z][a-z0-9-]{0,62}$"

Repository = Annotated[Path, Field(description="model repository")]
RegistryName = Annotated[
    Literal["mlflow"] | None,
    Field(description="model registry whose alias moves as well, beside the folder's"),
]
RegistryUrl = Annotated[str | None, Field(description="its address; MLFLOW_TRACKING_URI if absent")]


class GateSettings(Section):
    """What a candidate must reach; each is checked on the same recent bars, after costs."""

    rmse_ratio: float = Field(
        default=1.0, gt=0, le=10, description="most of its RMSE over the champion's"
    )
    p_value: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="most of the probability that chance alone leads the champion by as much",
    )
    r2_vs_zero: float = Field(
        default=0.0, ge=-1, le=1, description="least R2 against a forecast of zero"
    )
    coverage_gap: float = Field(
        default=0.05, ge=0, le=1, description="most that the share in its intervals may be off"
    )
    sharpe_lead: float = Field(
        default=0.0, ge=-10, le=10, description="least of its net Sharpe ratio less the champion's"
    )
    drawdown: float = Field(default=0.5, gt=0, le=1, description="most of its greatest fall")


class CostSettings(Section):
    """What trading on a prediction costs."""

    commission_bps: float = Field(default=1.0, ge=0, le=1000, description="of the value traded")
    slippage_bps: float = Field(default=2.0, ge=0, le=1000, description="of the value traded")
    borrow_rate: float = Field(default=0.005, ge=0, le=10, description="a year, of shorts")


class PromoteSettings(ProgramSettings):
    """Settings of one decision."""

    model_config = SettingsConfigDict(
        env_prefix="TICKCAST_PROMOTE_",
        cli_prog_name="tickcast promote",
        # A field called json would hide a method of pydantic's.
        cli_shortcuts={"json-output": "json"},
    )
    summary: ClassVar[str] = (
        "Compare a version with the champion on bars that neither was trained on, "
        "and make it champion when the gate holds."
    )
    not_printed: ClassVar[frozenset[str]] = frozenset(
        {"config", "print_config", "json_output", "force", "candidate"}
    )

    model: CliPositionalArg[str] = Field(pattern=MODEL_NAME, description="name of the model")
    candidate: str = Field(
        default="challenger", description="version to promote, by number or alias"
    )
    models: Repository = Path(".tickcast/models")
    source: str = Field(
        default="bundled", description="where bars come from: bundled, csv, parquet"
    )
    path: str = Field(default="", description="file or folder of the source")
    timeframe: str | None = Field(
        default=None, description="such as 5m or 1d; inferred from the bars if absent"
    )
    features: Path | None = Field(
        default=None, description="Python file that declares the feature set of the model"
    )
    start: Instant | None = Field(
        default=None, description="compare from then on; from the end of training if absent"
    )
    end: Instant | None = Field(default=None, description="use bars that had closed by then")
    registry: RegistryName = None
    registry_url: RegistryUrl = None
    minimum_rows: int = Field(
        default=250, ge=2, description="fewest predictions that a decision may rest on"
    )
    gate: GateSettings = GateSettings()
    costs: CostSettings = CostSettings()
    force: bool = Field(
        default=False, description="promote also when the gate does not hold, recorded as such"
    )
    json_output: bool = Field(default=False, description="print the decision as JSON")


class RollbackSettings(ProgramSettings):
    """Settings of one step back."""

    model_config = SettingsConfigDict(
        env_prefix="TICKCAST_ROLLBACK_", cli_prog_name="tickcast rollback"
    )
    summary: ClassVar[str] = "Make the version champion that was it before the present one."

    model: CliPositionalArg[str] = Field(pattern=MODEL_NAME, description="name of the model")
    models: Repository = Path(".tickcast/models")
    registry: RegistryName = None
    registry_url: RegistryUrl = None
    reason: str = Field(default="", max_length=500, description="why; written down")
