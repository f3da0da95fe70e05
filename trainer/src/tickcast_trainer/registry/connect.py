"""The registry that the settings and the environment name."""

from collections.abc import Mapping

from tickcast_trainer.registry.address import find_authorization, find_url
from tickcast_trainer.registry.mlflow import MLflow
from tickcast_trainer.registry.publish import Registry
from tickcast_trainer.registry.rest import RestServer

_TIMEOUT_SECONDS = 30.0


def connect(
    url: str | None, *, experiment: str, promote: bool, environ: Mapping[str, str]
) -> Registry:
    """Return the registry at ``url``, or else at MLFLOW_TRACKING_URI, once it has answered.

    Raises InvalidSettings for a URL that cannot be one, and RegistryError.
    """
    server = RestServer(
        url=find_url(url, environ),
        authorization=find_authorization(environ),
        timeout=_TIMEOUT_SECONDS,
    )
    registry = Registry(mlflow=MLflow(server), experiment=experiment, promote=promote)
    registry.check()
    return registry
