"""The manifest of a model package: what a model is, how it was made and how good it was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit import schema
from tickcast_modelkit.errors import InvalidManifest
from tickcast_modelkit.features.specification import FeatureSetSpecification
from tickcast_modelkit.intervals import ConformalBand
from tickcast_modelkit.timeframe import Timeframe

SCHEMA_VERSION = 1
LOG_RETURN = "log_return"
BARRIER_RETURN = "barrier_return"
REFERENCE_PROBABILITIES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")

Scalar = str | int | float | bool | None


def is_model_name(text: str) -> bool:
    """Whether ``text`` may name a model or an alias: lower-case letters, digits and hyphens."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the model was fitted to."""

    start: int
    """As-of time of the first row, seconds since the epoch."""

    end: int
    """Target time of the last row, seconds since the epoch: nothing later was seen."""

    symbols: tuple[str, ...]
    rows: int
    seed: int

    parameters: Mapping[str, Scalar]
    """Of the estimator, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """Where a position is closed before the horizon ends, above and below."""

    width: float
    """Distance, in volatilities over the horizon; above 0."""

    bars: int
    """Bars up to the row that the volatility is taken from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One step of the walk-forward evaluation. Instants are seconds since the epoch."""

    train_start: int
    """As-of time of the first training row."""

    train_end: int
    """Target time of the last training row."""

    test_start: int
    """As-of time of the first test row."""

    test_end: int
    """Target time of the last test row."""

    train_rows: int
    test_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one estimator did on the test rows of all folds together."""

    estimator: str
    is_baseline: bool

    rmse: float
    """Root mean squared error of the predicted log return."""

    r2_vs_zero: float
    """One less the squared error over that of predicting zero."""

    information_coefficient: float | None
    """Rank correlation of prediction and outcome; None for a constant prediction."""

    directional_accuracy: float | None
    """Share of non-zero outcomes whose sign was predicted; None when no prediction has one."""

    directional_accuracy_low: float | None
    """Lower end of the 95% confidence interval of the directional accuracy."""

    directional_accuracy_high: float | None
    """Upper end of the 95% confidence interval of the directional accuracy."""

    interval_coverage: float | None
    """Share of outcomes inside the interval, on folds after those that it was fitted to."""

    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The walk-forward evaluation, with the baselines on the same folds."""

    folds: tuple[Fold, ...]
    scores: tuple[Score, ...]
    best_baseline: str
    beats_baselines: bool

    verdict: str
    """One sentence on how the model did beside the baselines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tails:
    """Ends of the interval that the graph answers itself: conformalised quantile regression.

    Romano, Patterson, Candes (2019), "Conformalized Quantile Regression", Advances in Neural
    Information Processing Systems 32. The coverage is that of the band.
    """

    output_name: str
    """Of the ONNX graph: float32 (n, 2), the lower and the upper end of the log return.

    They are the interval as it is served: corrections are in them, and the prediction between them.
    """

    lower_correction: float
    """Added to the lower quantile inside the graph, in scales."""

    upper_correction: float
    """Added to the upper quantile inside the graph, in scales."""

    scale_feature: str | None
    """Name of the feature that the quantiles are in units of; None when in those of the return."""

    calibration_rows: int
    """Rows that the corrections were taken from."""

    parameters: Mapping[str, Scalar]
    """Of the quantile models, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """The probability of a rise that the graph answers itself, and how good it was walk-forward.

    Scores are of the rows of all folds, less is better, beside those of the base rate: the share of
    rises among the rows that a fold was trained on.
    """

    output_name: str
    """Of the ONNX graph: float32 (n, 1), the probability that the return is above zero."""

    brier_score: float
    base_rate_brier_score: float
    log_loss: float
    base_rate_log_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far the ONNX model is from the native one, in every output and over all training rows."""

    rows: int
    median_difference: float
    maximum_difference: float

    limit: float
    """Greatest difference that the export allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceQuantiles:
    """How the features were distributed in training: what drift is measured from."""

    probabilities: tuple[float, ...]
    """Ascending, 0 to 1."""

    features: Mapping[str, tuple[float, ...]]
    """By feature name, one quantile for each probability."""

    @classmethod
    def of(cls, features: NDArray[np.float32], names: Sequence[str]) -> ReferenceQuantiles:
        """Take the quantiles of the features (n, F), n at least 1, that ``names`` name."""
        quantiles = np.quantile(features.astype(np.float64), REFERENCE_PROBABILITIES, axis=0)
        return cls(
            probabilities=REFERENCE_PROBABILITIES,
            features={
                name: tuple(quantiles[:, index].tolist()) for index, name in enumerate(names)
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One model version. Raises InvalidManifest when its values do not fit each other."""

    schema_version: int = SCHEMA_VERSION
    name: str

    version: int = 0
    """1 or more; 0 until the package is written, which assigns it."""

    created_at: str
    """When it was made, RFC 3339."""

    estimator: str

    feature_set: str
    """Id of the feature set that it was trained with."""

    features: FeatureSetSpecification
    """What that set is: a server that does not know it can make it, or say what it lacks."""

    timeframe: Timeframe

    horizon_bars: int
    """How many bars ahead it predicts."""

    target: str = LOG_RETURN
    """What it predicts: the log of a later close over the last one. ``log_return`` is that after
    ``horizon_bars``, ``barrier_return`` that of the first close beyond a barrier, if there is one.
    """

    barrier: Barrier | None = None
    """Where the outcome of ``barrier_return`` is taken early; None for ``log_return``."""

    input_name: str
    """Of the ONNX graph: float32 (n, F)."""

    output_name: str
    """Of the ONNX graph: float32 (n, 1)."""

    training: Training
    evaluation: Evaluation
    band: ConformalBand
    """What intervals and the probability of a rise are made with, unless the graph answers them."""

    tails: Tails | None = None
    """What intervals are read from instead; None when the graph has no such output."""

    direction: Direction | None = None
    """What the probability of a rise is read from instead; None as with tails."""

    parity: Parity
    reference_quantiles: ReferenceQuantiles

    libraries: Mapping[str, str]
    """Versions that made it, by distribution name."""

    onnx_sha256: str = ""
    """Of model.onnx, hexadecimal; empty until the package is written."""

    golden_sha256: str = ""
    """Of golden.npz, hexadecimal; empty until the package is written."""

    def __post_init__(self) -> None:
        names, quantiles = self.feature_names, self.reference_quantiles
        _need("schema_version", self.schema_version, SCHEMA_VERSION)
        target = LOG_RETURN if self.barrier is None else BARRIER_RETURN
        _need("target", self.target, target)
        if self.barrier is not None:
            width, bars = self.barrier.width, self.barrier.bars
            _check("barrier.width", width, width > 0.0, "above 0")
            _check("barrier.bars", bars, bars > 0, "a positive integer")
        _check("name", self.name, is_model_name(self.name), f"a name like {_NAME.pattern}")
        _check("version", self.version, self.version >= 0, "a positive integer")
        _check("created_at", self.created_at, _is_instant(self.created_at), "an RFC 3339 time")
        _check("features.window", self.window, self.window > 0, "a positive integer")
        _check("horizon_bars", self.horizon_bars, self.horizon_bars > 0, "a positive integer")
        _check("features.features", names, 0 < len(set(names)) == len(names), "unique names")
        self._check_cross_section()
        self._check_band()
        self._check_tails()
        self._check_outputs()
        _check(
            "training.end",
            self.training.end,
            self.training.end >= self.training.start,
            f"training.start {self.training.start} or later",
        )
        _need("reference_quantiles.features", sorted(quantiles.features), sorted(names))
        for name, values in quantiles.features.items():
            found, needed = len(values), len(quantiles.probabilities)
            path = f"reference_quantiles.features.{name}"
            _check(path, f"{found} values", found == needed, f"{needed}, one for each probability")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the vector."""
        return self.features.feature_names

    @property
    def window(self) -> int:
        """Bars that a feature vector looks back on."""
        return self.features.window

    def _check_cross_section(self) -> None:
        section = self.features.cross_section
        if section is None:
            return
        path, own = "features.cross_section", {item.name for item in self.features.features}
        for place, rank in enumerate(section.ranks):
            needed = "the name of a feature that is no rank"
            _check(f"{path}.ranks[{place}].of", rank.of, rank.of in own, needed)
        universe, share = section.universe, section.minimum_share
        ordered = list(universe) == sorted(set(universe))
        _check(f"{path}.ranks", section.ranks, bool(section.ranks), "at least one")
        _check(
            f"{path}.universe", universe, bool(universe) and ordered, "symbols, each once, sorted"
        )
        _check(f"{path}.minimum_share", share, 0.0 < share <= 1.0, "above 0 and at most 1")

    def _check_band(self) -> None:
        band = self.band
        _check("band.coverage", band.coverage, 0.0 < band.coverage < 1.0, "above 0 and below 1")
        _check("band.lower", band.lower, band.lower <= band.upper, f"at most upper {band.upper}")
        ascending = all(low <= high for low, high in pairwise(band.quantiles))
        _check("band.quantiles", len(band.quantiles), len(band.quantiles) in {0, 101}, "0 or 101")
        _check("band.quantiles", "out of order", ascending, "ascending numbers")
        if band.scale_feature is not None:
            known = band.scale_feature in self.feature_names
            _check("band.scale_feature", band.scale_feature, known, "the name of a feature")
            _check("band.scale_floor", band.scale_floor, band.scale_floor > 0.0, "above 0")

    def _check_tails(self) -> None:
        if self.tails is None:
            return
        scale = self.tails.scale_feature
        known = scale is None or scale in self.feature_names
        _check("tails.scale_feature", scale, known, "the name of a feature")

    def _check_outputs(self) -> None:
        taken = {self.output_name}
        for path, part in (("tails", self.tails), ("direction", self.direction)):
            if part is not None:
                name = part.output_name
                needed = f"another name than {', '.join(sorted(taken))}"
                _check(f"{path}.output_name", name, name not in taken, needed)
                taken.add(name)

    def to_json(self) -> str:
        """Return the document that manifest.json holds."""
        return schema.encode(self)

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """Read the document; an unknown or missing key or a wrong type is an error.

        Raises InvalidManifest.
        """
        document = schema.parse(text)
        # First, as the keys of another version would hide what is wrong.
        if isinstance(document, dict) and "schema_version" in document:
            _need("schema_version", document["schema_version"], SCHEMA_VERSION)
        return schema.read(cls, document)


def _need(path: str, value: object, needed: object) -> None:
    _check(path, value, value == needed, repr(needed))


def _check(path: str, value: object, holds: bool, needed: str) -> None:
    if not holds:
        raise InvalidManifest(f"$.{path}", was=repr(value), needed=needed)


def _is_instant(text: str) -> bool:
    if _RFC_3339.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
