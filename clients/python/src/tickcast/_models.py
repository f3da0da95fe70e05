"""Models and how they did, as plain values. Instants are `datetime` in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tickcast._errors import TickcastError


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A line of versions under one name."""

    name: str
    """Resource name: models/{model}."""

    aliases: Mapping[str, str]
    """Resource name of the version that each alias, such as "champion", points at."""

    default_version: str | None
    """Resource name of the version that the model's name stands for in a prediction: the champion,
    or the newest loaded. `None` when none is loaded."""

    newest_version: str
    """Resource name of the newest version in the repository, loaded or not."""


class ModelVersionState(StrEnum):
    """Whether a server can answer with a version."""

    LOADING = "loading"
    """Being read, checked and warmed up; not answering yet."""

    READY = "ready"
    """Answering."""

    FAILED = "failed"
    """Refused: its package is damaged, or needs what the server cannot compute."""

    UNKNOWN = "unknown"
    """A state that this client does not know yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """The bars that a version was trained on."""

    symbols: tuple[str, ...]
    """Symbols, in alphabetical order."""

    start_time: datetime
    """As-of time of the first training row."""

    end_time: datetime
    """Target time of the last training row: nothing later was seen in training."""

    rows: int
    """Number of training rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How an estimator did on bars that it was not trained on, over all walk-forward folds."""

    estimator: str
    """Name of the estimator or baseline, for example "xgboost" or "zero"."""

    baseline: bool
    """True for a baseline."""

    rmse: float
    """Root mean squared error of the predicted log return."""

    r2_vs_zero: float
    """1 - (squared error / squared error of predicting zero). Above zero is better than zero."""

    information_coefficient: float | None
    """Rank correlation of prediction and outcome, -1 to 1. `None` for a constant prediction."""

    directional_accuracy: float | None
    """Share of non-zero outcomes whose sign was predicted, 0 to 1. `None` where no prediction has a
    sign."""

    directional_accuracy_low: float | None
    """Lower end of the 95% confidence interval of directional_accuracy."""

    directional_accuracy_high: float | None
    """Upper end of the 95% confidence interval of directional_accuracy."""

    interval_coverage: float | None
    """Share of outcomes inside the interval, 0 to 1. `None` where there is no interval."""

    rows: int
    """Rows scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One version of a model, as its package describes it and as the server holds it."""

    name: str
    """Resource name: models/{model}/versions/{number}."""

    state: ModelVersionState
    """Whether the server can answer with it."""

    failure: TickcastError | None
    """Why the version cannot be used. `None` unless state is FAILED."""

    estimator: str
    """Kind of estimator, for example "ridge". Empty when the package cannot be read, like every
    field below."""

    target: str
    """What the model predicts, for example "log_return"."""

    timeframe: str
    """Timeframe of the bars that it was trained on and answers for."""

    horizon_bars: int
    """How many bars ahead it predicts."""

    feature_set: str
    """Resource name of the feature set that it was trained with: featureSets/{id}."""

    training_data: TrainingData | None
    """What it was trained on."""

    scores: tuple[Score, ...]
    """Walk-forward scores of the model and of the baselines, on the same folds."""

    beats_baselines: bool
    """Whether the model was better than the best baseline beyond chance."""

    verdict: str
    """One sentence on how the model did beside the baselines."""

    interval_coverage: float | None
    """Share of outcomes that its intervals are built to hold. `None` when it carries none."""

    onnx_sha256: str
    """SHA-256 of the model file, in hexadecimal."""

    create_time: datetime | None
    """When the package was made."""

    load_time: datetime | None
    """When this server loaded it. `None` when it is not loaded."""
