"""Whether every model of the repository could be loaded, as a server would load it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tickcast_modelkit.errors import InvalidFeatureFile
from tickcast_modelkit.features import FeatureSet
from tickcast_modelkit.package import list_models, list_versions

from tickcast_server.doctor.finding import Finding
from tickcast_server.serving.feature_sets import known_feature_sets
from tickcast_server.serving.foreign import (
    BARE_VERSION,
    bare_models,
    is_foreign,
    load_foreign,
    unnamed_models,
)
from tickcast_server.serving.model import load_model
from tickcast_server.settings import Settings


def check(settings: Settings) -> Iterator[Finding]:
    """The repository, the files of feature sets, then each version."""
    folder = settings.models
    if not folder.is_dir():
        yield Finding(
            "repository",
            "warning",
            f"there is no model repository at {folder.absolute()} yet",
            f"tickcast train --source bundled --name daily --models {folder}",
        )
        return
    if not os.access(folder, os.R_OK | os.X_OK):
        yield Finding(
            "repository",
            "problem",
            f"the model repository {folder.absolute()} cannot be read",
            f"chmod -R u+rX {folder}, or set TICKCAST_MODELS to another folder",
        )
        return
    try:
        sets = known_feature_sets(settings.features)
    except InvalidFeatureFile as error:
        yield Finding(
            "features",
            "problem",
            str(error),
            "correct the file, or leave it out of TICKCAST_FEATURES",
        )
        return
    yield from _versions(folder, sets, settings)
    for name in unnamed_models(folder):
        yield Finding(
            "repository",
            "warning",
            f"the folder {name!r} is not served: that is no name of a model",
            "rename it: lower-case letters, digits and hyphens, a letter first",
        )


def _versions(
    folder: Path, sets: Mapping[str, FeatureSet], settings: Settings
) -> Iterator[Finding]:
    valid = 0
    for name, path in _paths(folder):
        try:
            _load(name, path, sets, settings)
        except Exception as error:  # noqa: BLE001  # whatever a package does, the others are examined
            yield Finding(
                "repository",
                "problem",
                f"{name} would be refused: {error}",
                f"train or copy it again, or remove {path}",
            )
        else:
            valid += 1
    says = f"{folder.absolute()}: versions that can be loaded: {valid}"
    if valid:
        yield Finding("repository", "ok", says)
    else:
        yield Finding(
            "repository",
            "warning",
            says,
            f"tickcast train --source bundled --name daily --models {folder}",
        )


def _paths(folder: Path) -> Iterator[tuple[str, Path]]:
    for model in sorted({*list_models(folder), *bare_models(folder)}):
        if is_foreign(folder / model):
            yield f"models/{model}/versions/{BARE_VERSION}", folder / model
        for number in list_versions(folder, model):
            yield f"models/{model}/versions/{number}", folder / model / str(number)


def _load(name: str, path: Path, sets: Mapping[str, FeatureSet], settings: Settings) -> None:
    threads = settings.model.threads
    if is_foreign(path):
        load_foreign(path, name=name, threads=threads, now=time.time())
    else:
        load_model(path, feature_sets=sets, threads=threads, now=time.time())
