"""A package that is written, into the registry: a run, its files, a version, an alias.

In this order, so that whoever follows the alias never meets a version without its files. What fails
on the way leaves a run that says FAILED, and no version.
"""

import hashlib
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from tickcast_modelkit.golden import GOLDEN_FILE
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import MANIFEST_FILE, MODEL_FILE, PackagePath

from tickcast_trainer.registry import facts
from tickcast_trainer.registry.errors import RegistryError
from tickcast_trainer.registry.mlflow import MLflow, Run

CHAMPION = "champion"
CHALLENGER = "challenger"

DIGEST_TAG = "tickcast.sha256."
"""Before the name of a file: servers refuse one whose digest is another."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredVersion:
    """A package in the registry."""

    model: str
    version: int
    """The registry's number; the folder has its own."""

    alias: str
    run: str
    """Id of the run that holds the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The registry of one training run. Every method raises RegistryError."""

    mlflow: MLflow
    experiment: str
    """Name of the experiment that runs belong to; made with the first of them."""

    promote: bool
    """Whether new versions become champion at once."""

    def check(self) -> None:
        """Ask whether the registry is there and takes files: before the work, not after it."""
        self.mlflow.experiment(self.experiment)

    def publish(self, package: PackagePath, dataset: Mapping[str, str]) -> RegisteredVersion:
        """Log the package with the dataset it was trained on, register it, move the alias.

        The first version of a model becomes champion, as in the folder.
        """
        files = {
            name: (package.folder / name).read_bytes()
            for name in (MODEL_FILE, GOLDEN_FILE, MANIFEST_FILE)
        }
        manifest = Manifest.from_json(files[MANIFEST_FILE])
        run = self._log_run(manifest, files, dataset)
        tags = {f"{DIGEST_TAG}{name}": _sha256(content) for name, content in files.items()}
        version = self.mlflow.register(
            manifest.name,
            run,
            description=manifest.evaluation.verdict,
            tags=tags | {"tickcast.package_version": str(manifest.version)},
        )
        alias = CHAMPION if version == 1 or self.promote else CHALLENGER
        self.mlflow.point(manifest.name, alias, version)
        _log.info(
            "%s version %d (%s) of the registry %s, run %s",
            *(manifest.name, version, alias, self.mlflow.server.url, run.identity),
        )
        return RegisteredVersion(
            model=manifest.name, version=version, alias=alias, run=run.identity
        )

    def _log_run(
        self, manifest: Manifest, files: Mapping[str, bytes], dataset: Mapping[str, str]
    ) -> Run:
        experiment = self.mlflow.experiment(self.experiment)
        if experiment is None:
            experiment = self.mlflow.create_experiment(self.experiment)
        run = self.mlflow.start_run(
            experiment, name=manifest.name, tags=facts.tags(manifest), time_ms=_now_ms()
        )
        try:
            self.mlflow.log(
                run,
                parameters=facts.parameters(manifest),
                metrics=facts.metrics(manifest),
                time_ms=_now_ms(),
            )
            self.mlflow.log_dataset(run, dataset)
            for name, content in files.items():
                self.mlflow.upload(run, name, content)
        except BaseException:
            with suppress(RegistryError):
                self.mlflow.end_run(run, succeeded=False, time_ms=_now_ms())
            raise
        self.mlflow.end_run(run, succeeded=True, time_ms=_now_ms())
        return run


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
