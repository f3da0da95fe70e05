"""What can go wrong between the trainer and a model registry.

::

    TrainerError
    └── RegistryError
        ├── RegistryUnreachable    nothing answers at the address as a registry does
        ├── RegistryRefused        the registry answered, and did not do what it was asked
        ├── ArtifactsNotServed     the registry keeps artifacts where only its own client can write
        └── NotRegistered          the registry has no version that is the package

The program ends with exit code 2.
"""

from tickcast_trainer.errors import TrainerError


class RegistryError(TrainerError):
    """A model registry cannot be used."""


class RegistryUnreachable(RegistryError):
    """Nothing answers at the address as a registry does."""

    def __init__(self, url: str, was: str) -> None:
        super().__init__(f"registry {url}: was {was}, needed the answer of an MLflow server")


class RegistryRefused(RegistryError):
    """The registry answered, and did not do what it was asked."""

    def __init__(self, url: str, code: str, message: str) -> None:
        self.code = code
        """MLflow's error code, such as RESOURCE_DOES_NOT_EXIST."""
        super().__init__(f"registry {url}: {code}: {message}")


class ArtifactsNotServed(RegistryError):
    """The registry keeps artifacts where only its own client can write."""

    def __init__(self, url: str, location: str) -> None:
        super().__init__(
            f"registry {url}: artifacts were at {location}, needed mlflow-artifacts:/...: "
            "start the MLflow server with --serve-artifacts and --artifacts-destination"
        )


class NotRegistered(RegistryError):
    """The registry has no version that is the package."""

    def __init__(self, url: str, model: str, version: int) -> None:
        super().__init__(
            f"registry {url}: no version of {model} was version {version} of the folder, needed "
            "one that was trained with --registry mlflow"
        )
