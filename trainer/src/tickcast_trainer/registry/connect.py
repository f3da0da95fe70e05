"""The registry that the settings and the environment name."""

from collections.abc import Mapping

from tickcast_trainer.errors import InvalidSettings
from tickcast_trainer.registry.address import find_authorization, find_url
from tickcast_trainer.registry.aliases import RegistryAliases
from tickcast_trainer.registry.mlflow import MLflow
from tickcast_trainer.registry.publish import Registry
from tickcast_trainer.registry.rest import RestServer

_TIMEOUT_SECONDS = 30.0


def connect_aliases(
    registry: str | None, url: str | None, environ: Mapping[str, str]
) -> RegistryAliases | None:
    """Return the aliases of the registry that the settings name; None when they name none.

    Raises InvalidSettings for settings that cannot be.
    """
    refuse_lone_url(registry, url)
    return None if registry is None else RegistryAliases(MLflow(_server(url, environ)))


def refuse_lone_url(registry: str | None, url: str | None) -> None:
    """Raise InvalidSettings for an address without a registry."""
    if registry is None and url is not None:
        raise InvalidSettings("registry: was absent, needed mlflow together with registry_url")


def connect(
    url: str | None, *, experiment: str, promote: bool, environ: Mapping[str, str]
) -> Registry:
    """Return the registry at ``url``, or else at MLFLOW_TRACKING_URI, once it has answered.

    Raises InvalidSettings for a URL that cannot be one, and RegistryError.
    """
    server = _server(url, environ)
    registry = Registry(mlflow=MLflow(server), experiment=experiment, promote=promote)
    registry.check()
    return registry


def _server(url: str | None, environ: Mapping[str, str]) -> RestServer:
    return RestServer(
        url=find_url(url, environ),
        authorization=find_authorization(environ),
        timeout=_TIMEOUT_SECONDS,
    )
