"""What a registry is told of a model: its manifest in MLflow's terms."""

from collections.abc import Mapping

from tickcast_modelkit.manifest import Manifest, Score

# Limits of the tracking server, which refuses what is longer.
_LONGEST_PARAMETER = 6_000
_LONGEST_TAG = 8_000

_FIGURES = (
    "rmse",
    "r2_vs_zero",
    "information_coefficient",
    "directional_accuracy",
    "directional_accuracy_low",
    "directional_accuracy_high",
    "interval_coverage",
    "rows",
)

_DIRECTION_FIGURES = ("brier_score", "base_rate_brier_score", "log_loss", "base_rate_log_loss")


def parameters(manifest: Manifest) -> dict[str, str]:
    """Return what the model was made with: that of every model, then the estimator's own."""
    training, tails = manifest.training, manifest.tails
    made_with: Mapping[str, object] = {
        "estimator": manifest.estimator,
        "feature_set": manifest.feature_set,
        "timeframe": manifest.timeframe,
        "horizon_bars": manifest.horizon_bars,
        "folds": len(manifest.evaluation.folds),
        "coverage": manifest.band.coverage,
        "seed": training.seed,
        "symbols": ",".join(training.symbols),
        "bands": "quantile" if tails else "split",
        **{f"{manifest.estimator}.{name}": value for name, value in training.parameters.items()},
        **{
            f"quantile.{name}": value for name, value in (tails.parameters if tails else {}).items()
        },
    }
    return {name: str(value)[:_LONGEST_PARAMETER] for name, value in made_with.items()}


def metrics(manifest: Manifest) -> dict[str, float]:
    """Return the walk-forward scores; those of a baseline are called BASELINE/METRIC."""
    found: dict[str, float] = {}
    for score in manifest.evaluation.scores:
        prefix = f"{score.estimator}/" if score.is_baseline else ""
        found |= {f"{prefix}{name}": value for name, value in _figures(score).items()}
    if manifest.direction is not None:
        found |= {name: getattr(manifest.direction, name) for name in _DIRECTION_FIGURES}
    return found


def tags(manifest: Manifest) -> dict[str, str]:
    """Return the verdict on the model, in a sentence and as a value to search by."""
    evaluation = manifest.evaluation
    return {
        "tickcast.verdict": evaluation.verdict[:_LONGEST_TAG],
        "tickcast.beats_baselines": str(evaluation.beats_baselines).lower(),
        "tickcast.best_baseline": evaluation.best_baseline,
    }


def _figures(score: Score) -> dict[str, float]:
    values = {name: getattr(score, name) for name in _FIGURES}
    return {name: float(value) for name, value in values.items() if value is not None}
