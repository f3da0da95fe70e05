"""Which models answer, which were refused, and what they say of the symbols held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tickcast._client import Client
from tickcast._errors import TickcastError
from tickcast._models import Model, ModelVersionState
from tickcast._types import Prediction
from tickcast.cli.doctor.finding import Finding, ok, problem, warning

# Symbols that are tried with each model.
_MOST = 200


def check(client: Client) -> Iterator[Finding]:
    """Every model of the server."""
    models = client.list_models()
    if not models:
        yield problem(
            "models",
            "the server holds no model",
            "train one into its repository: tickcast train --source bundled --name daily",
        )
    for model in models:
        yield from _model(client, model)
        if model.default_version is not None:
            yield from _predictions(client, model.default_version)


def _model(client: Client, model: Model) -> Iterator[Finding]:
    versions = client.list_model_versions(model.name)
    for version in versions:
        if version.state is ModelVersionState.FAILED:
            yield problem(
                "models",
                f"{version.name} was refused: {version.failure}",
                "train or copy it again, or remove its folder from the repository",
            )
    if model.default_version is None:
        yield problem(
            "models",
            f"no version of {model.name} answers",
            f"tickcast models {model.name.removeprefix('models/')}",
        )
    else:
        ready = sum(version.state is ModelVersionState.READY for version in versions)
        yield ok("models", f"{model.default_version} answers; versions loaded: {ready}")


def _predictions(client: Client, version: str) -> Iterator[Finding]:
    timeframe = client.get_model_version(version).timeframe
    if not timeframe:
        # A graph without a manifest predicts no symbol.
        return
    held = [found.symbol for found in client.list_symbols(timeframe=timeframe)][:_MOST]
    if not held:
        yield warning(
            "predictions",
            f"no {timeframe} bars are held, from which {version} would predict",
            "send some: tickcast replay --help",
        )
        return
    results = client.batch_predict(held, model=version)
    predictions = [result for result in results if isinstance(result, Prediction)]
    yield ok("predictions", f"{version} predicts {len(predictions)} of {len(held)} symbols")
    refused = Counter(
        result.reason or result.code.name for result in results if isinstance(result, TickcastError)
    )
    for reason, count in sorted(refused.items()):
        yield warning(
            "predictions",
            f"{version} cannot predict {count} symbols: {reason}",
            f"docs/errors.md says what to do about {reason}",
        )
    outdated = sum(found.feature_provenance.outdated for found in predictions)
    if outdated:
        yield warning(
            "predictions",
            f"{outdated} of the predictions are outdated: their last bars are too old",
            "see why no newer bars come",
        )
    if any(found.feature_provenance.stale for found in predictions):
        yield warning(
            "predictions",
            "predictions are stale: the server cannot reach its store for newer bars",
            "on the server's machine: tickcast doctor machine",
        )
