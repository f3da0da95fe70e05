"""Aliases of a registry, pointed at the version that is a package of the folder.

The two number versions by themselves: they are matched by what the manifest digests to, which names
every other file of the package by its own digest.
"""

import hashlib
from dataclasses import dataclass

from tickcast_modelkit.package import MANIFEST_FILE, PackagePath

from tickcast_trainer.registry.errors import NotRegistered
from tickcast_trainer.registry.mlflow import MLflow
from tickcast_trainer.registry.publish import DIGEST_TAG


@dataclass(frozen=True, slots=True)
class RegistryAliases:
    """Every method raises RegistryError."""

    mlflow: MLflow

    def find(self, package: PackagePath) -> int:
        """Return the newest of the registry's versions that is this package.

        Raises NotRegistered when there is none.
        """
        digest = hashlib.sha256((package.folder / MANIFEST_FILE).read_bytes()).hexdigest()
        found = [
            version
            for version, tags in self.mlflow.versions(package.name).items()
            if tags.get(f"{DIGEST_TAG}{MANIFEST_FILE}") == digest
        ]
        if not found:
            raise NotRegistered(self.mlflow.server.url, package.name, package.version)
        return max(found)

    def point(self, model: str, alias: str, version: int) -> None:
        """Point an alias of a model at one of the registry's versions."""
        self.mlflow.point(model, alias, version)
