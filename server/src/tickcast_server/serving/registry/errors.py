"""Why a model of the registry is not here.

RegistryError
|-- RegistryUnreachable    nothing answers at the address as a registry does
|-- RegistryRefused        the registry answered that it has no such model, alias or version
|-- VersionRefused         what was downloaded is not what was registered, or no package
`-- CacheUnusable          the folder of models cannot take it
"""

from __future__ import annotations


class RegistryError(Exception):
    """Base of the tree. No request sees these: what is loaded goes on answering."""


class RegistryUnreachable(RegistryError):
    """Nothing answers at the address as a registry does."""

    def __init__(self, was: str) -> None:
        super().__init__(f"was {was}, needed the answer of an MLflow server")


class RegistryRefused(RegistryError):
    """The registry answered that it has no such model, alias or version."""


class VersionRefused(RegistryError):
    """What was downloaded is not what was registered, or no package."""


class CacheUnusable(RegistryError):
    """The folder of models cannot take it."""
