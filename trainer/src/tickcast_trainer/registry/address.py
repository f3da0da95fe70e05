"""Where the registry is and how the trainer says who it is, by MLflow's own variables."""

import base64
from collections.abc import Mapping
from urllib.parse import urlsplit

from tickcast_trainer.errors import InvalidSettings

URL_VARIABLE = "MLFLOW_TRACKING_URI"


def find_url(given: str | None, environ: Mapping[str, str]) -> str:
    """Return the registry's URL: the one given, or else that of the environment.

    Raises InvalidSettings when there is none, or when it is not the URL of a server.
    """
    url = given or environ.get(URL_VARIABLE, "")
    if not url:
        raise InvalidSettings(
            f"registry_url: was absent, needed as --registry-url or as {URL_VARIABLE}"
        )
    if not _is_server(url):
        raise InvalidSettings(
            f"registry_url: was {_without_credentials(url)!r}, needed http://host:port or "
            "https://host:port; user and password go into MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD"
        )
    return url.rstrip("/")


def find_authorization(environ: Mapping[str, str]) -> str | None:
    """Return the Authorization header that MLflow's own client would send; None for none."""
    if token := environ.get("MLFLOW_TRACKING_TOKEN"):
        return f"Bearer {token}"
    user = environ.get("MLFLOW_TRACKING_USERNAME")
    password = environ.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return None


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Raises ValueError when it is no number.
        _ = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain


def _without_credentials(url: str) -> str:
    # What is before an @ may be a password, also in what is no URL.
    return url.rpartition("@")[2]
