"""What a report holds: the schema of ``report.json``, and all that the page is made from.

Instants are seconds since the epoch, UTC. Returns are log returns, and shares are of 1, unless a
field says otherwise. A field whose meaning changes or that goes away raises ``SCHEMA_VERSION``; new
fields do not.
"""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION: Literal[1] = 1

Scalar: TypeAlias = str | int | float | bool | None


class Part(BaseModel):
    """A part of the report; unknown fields and figures that are not finite are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Estimate(Part):
    """A figure with its 95% confidence interval."""

    value: float
    low: float
    high: float


class Model(Part):
    """What was trained."""

    name: str

    version: int
    """Of the package beside the report; 0 until that is written."""

    alias: str
    """That the package was given, such as champion; empty until it is written."""

    estimator: str
    feature_set: str
    timeframe: str
    horizon: int
    """Bars from prediction to target."""

    seed: int
    parameters: dict[str, Scalar]


class Worry(Part):
    """Something that speaks against the model, in a sentence with its figures."""

    kind: str
    """What it is about, for programs: such as ``baselines``, ``leak`` or ``coverage``."""

    level: Literal["grave", "caution"]
    """Grave: reason enough not to use the model. Caution: know it before you do."""

    sentence: str


class SymbolBars(Part):
    """The bars of one symbol."""

    symbol: str
    start: int
    """Close of its first bar."""

    end: int
    """Close of its last bar."""

    bars: int
    rows: int
    """Bars that gave a row to learn from."""

    gaps: int
    """Runs of slots without a bar where one was to be expected."""

    missing_bars: int
    """Slots in these."""

    expected_bars: int


class Data(Part):
    """What was learned from and tested on."""

    symbols: tuple[SymbolBars, ...]
    left_out: tuple[str, ...]
    """Symbols with too few bars for a single row."""

    start: int
    """As-of time of the first row."""

    end: int
    """Target time of the last row."""

    rows: int
    features: int
    tested_rows: int
    tested_times: int
    """Distinct as-of times among the tested rows."""


class Fold(Part):
    """One step of the walk forward."""

    train_start: int
    train_end: int
    test_start: int
    test_end: int
    train_rows: int
    test_rows: int

    rmse: dict[str, float]
    """Of the model and of each baseline, by name."""

    saved: Estimate
    """Share of the best baseline's squared error that the model saves here."""


class Score(Part):
    """How one forecast did on the test rows of all folds together."""

    name: str
    role: Literal["this model", "other model", "baseline"]
    rmse: Estimate
    r2: Estimate
    """Against a forecast of zero."""

    information_coefficient: float | None
    """Rank correlation of forecast and outcome; null for a constant forecast."""

    direction: Estimate | None
    """Share of moves whose sign was forecast; null for a forecast of zero."""

    coverage: float | None
    """Share of outcomes inside its intervals."""

    p_value: float | None
    """How often chance alone leads the best baseline by as much; null for baselines."""

    holm_p_value: float | None
    """The same, after Holm, for the number of models of the run."""


class Skill(Part):
    """The model beside its baselines."""

    best_baseline: str
    beats_baselines: bool
    saved: Estimate
    """Share of the best baseline's squared error that the model saves."""

    scores: tuple[Score, ...]
    """The model first, then the others of the run, then the baselines; all on the same rows."""

    always_up: Estimate | None
    """What always saying "up" scores as a direction; null when nothing moved."""

    models_compared: int


class SymbolSkill(Part):
    """How the model did on the tested rows of one symbol."""

    symbol: str
    rows: int
    rmse: float
    baseline_rmse: float
    """Of the best baseline."""

    saved: Estimate
    """Share of the best baseline's squared error on these rows that the model saves."""

    saved_of_all: float
    """The same squared error as a share of the best baseline's on all rows: these add up."""


class Group(Part):
    """Tested rows whose predictions are neighbours in size."""

    rows: int
    predicted: float
    """Mean prediction."""

    realised: Estimate
    """Mean outcome."""


class Calibration(Part):
    """Whether outcomes follow predictions in size."""

    slope: Estimate
    """Of a line through predictions and outcomes: 1 if sizes are right, less if too bold."""

    groups: tuple[Group, ...]
    """By ascending prediction, of nearly equal size: deciles."""


class DirectionGroup(Part):
    """A fifth of the tested rows, by the probability of a rise that they were given."""

    said: float
    """Mean probability."""

    rose: Estimate
    """Share that rose."""


class Direction(Part):
    """The probabilities of a rise beside the base rate; less is better."""

    brier: float
    """Mean squared distance of probability and outcome (Brier 1950)."""

    base_rate_brier: float
    """Of the share of rises among the rows that each fold was trained on."""

    log_loss: float
    """Mean negative natural log of the probability given to what happened."""

    base_rate_log_loss: float
    p_value: float
    """Chance of so small a Brier score if the model knew the base rate alone."""

    beats_base_rate: bool
    groups: tuple[DirectionGroup, ...]
    """By ascending probability."""


class Held(Part):
    """How often one kind of interval held."""

    overall: Estimate
    by_symbol: dict[str, Estimate]
    by_regime: dict[str, Estimate]
    """By the third of the symbol's past that the volatility known at the time fell in."""

    median_width: float | None
    """In log return; null when none has two ends."""

    unbounded: float
    """Share of intervals with an infinite end."""

    score: float | None
    """Mean interval score in log return (Gneiting and Raftery 2007), less is better: width, and two
    over the share left out times how far an outcome lies outside. Null when none has two ends."""

    rows: int


class Reliability(Part):
    """What intervals of one nominal coverage held, over all rows."""

    nominal: float
    observed: dict[str, Estimate]
    """By kind of interval."""


class Intervals(Part):
    """What was promised and what was held, on folds after those that intervals were fitted to."""

    nominal: float
    served: str
    """The kind that the model is served with."""

    held: dict[str, Held]
    """By kind, the one served first; ``adaptive`` are those that would learn from every outcome."""

    reliability: tuple[Reliability, ...]
    """By ascending nominal coverage."""


class CoursePoint(Part):
    """How far the model had come at a time."""

    time: int
    saved: float
    """Squared error saved up to here, as a share of the best baseline's over all times."""


class FeatureImportance(Part):
    """What a feature is worth to the model."""

    feature: str
    increase: Estimate
    """Growth of the squared error when the feature comes from other times, as a share of it."""


class Importance(Part):
    """Permutation importance on test rows, by the models of the folds."""

    rows: int
    """Test rows, of whole as-of times spread over the folds."""

    repeats: int
    """Permutations of each feature."""

    features: tuple[FeatureImportance, ...]
    """Those that count most come first."""


class Account(Part):
    """What an account came to. Returns are after costs and simple, not logarithmic."""

    annual_return: float
    total_return: float
    total_gross_return: float
    """Of the same weights at no costs."""

    volatility: float
    sharpe: Estimate | None
    """Annual; null when the account never moved."""

    maximum_drawdown: float
    turnover: float
    """Value traded in a year over the equity."""

    annual_costs: float
    exposure: float


class EquityPoint(Part):
    """Two accounts that began with 1."""

    time: int
    strategy: float
    buy_and_hold: float


class Equity(Part):
    """The out-of-fold predictions traded by their sign, beside buy-and-hold."""

    start: int
    end: int
    periods: int
    commission_bps: float
    slippage_bps: float
    borrow_rate: float
    strategy: Account
    buy_and_hold: Account
    contribution: dict[str, float]
    """By symbol: what it added to the mean return of a year, after costs; these add up."""

    curve: tuple[EquityPoint, ...]
    """At most some hundred closes, with the first and the last."""

    stale: tuple[str, ...]
    """Symbols held at their last price after their bars end, which nobody may have paid."""

    findings: tuple[str, ...]
    """What else a backtest says of it."""


class LeakFinding(Part):
    """What one check for leaks says."""

    check: str
    is_suspect: bool
    sentence: str


class Leaks(Part):
    """Whether the model knows what it cannot know."""

    is_suspect: bool
    refitted: bool
    """Whether it was fitted again to look for leaks, or judged by what costs nothing."""

    verdict: str
    findings: tuple[LeakFinding, ...]


class Parity(Part):
    """How far the ONNX graph is from the fitted model, in log return."""

    rows: int
    median_difference: float
    maximum_difference: float
    limit: float
    """Greatest difference that the export allows."""


class Report(Part):
    """A trained model, and what is to be thought of it."""

    schema_version: Literal[1] = SCHEMA_VERSION
    created_at: str
    """RFC 3339; the one field that is another in every run."""

    model: Model
    verdict: str
    """Whether it beats the baselines, with the figures, and any suspicion of a leak."""

    worries: tuple[Worry, ...]
    """The gravest first."""

    data: Data
    folds: tuple[Fold, ...]
    skill: Skill
    symbols: tuple[SymbolSkill, ...]
    calibration: Calibration | None
    """Null for a constant prediction."""

    direction: Direction | None
    """Null for a model that answers no probability of a rise itself."""

    intervals: Intervals | None
    """Null where the folds are too short for any."""

    course: tuple[CoursePoint, ...]
    importance: Importance
    equity: Equity
    leaks: Leaks
    parity: Parity
    settings: dict[str, str]
    """Of the run, as text, by name; the repository and the registry are left out."""

    libraries: dict[str, str]
    """Versions, by distribution."""
