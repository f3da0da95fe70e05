"""The model that is served: 300 trees on the core feature set, trained once on bundled bars."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.errors import ModelkitError
from tickcast_modelkit.features import CORE
from tickcast_modelkit.package import MODEL_FILE, PackagePath, read_package, write_package

FOLDER = Path(".tickcast/bench")
NAME = "bench-xgboost"
MODEL = f"models/{NAME}"
TREES = 300


def trained() -> PackagePath:
    """The package, from an earlier run when that can still be read."""
    folder = FOLDER / CORE.id
    package = PackagePath(repository=folder, name=NAME, version=1)
    try:
        read_package(package.folder)
    except ModelkitError:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(
            [
                *(sys.executable, "-m", "tickcast_trainer.cli", "--name", "bench"),
                *("--estimators", "xgboost", "--xgboost.trees", str(TREES)),
                *("--folds", "2", "--no-leak-check", "--no-report", "--promote"),
                *("--models", str(folder)),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return package


def onnx_file() -> Path:
    """The graph alone."""
    return trained().folder / MODEL_FILE


def repository(folder: Path, names: tuple[str, ...] = (NAME,)) -> Path:
    """A model repository of its own for one server, with the model under each of these names."""
    package = read_package(trained().folder)
    for name in names:
        if name == NAME:
            shutil.copytree(FOLDER / CORE.id / NAME, folder / NAME)
            continue
        manifest = replace(package.manifest, name=name)
        write_package(folder, manifest, package.onnx, package.golden, alias="champion")
    return folder


def feature_rows(n: int) -> NDArray[np.float32]:
    """Rows (n, F), the same each time, about as large as features are."""
    random = np.random.default_rng(7)
    return random.normal(0.0, 0.5, (n, len(CORE.names))).astype(np.float32)
