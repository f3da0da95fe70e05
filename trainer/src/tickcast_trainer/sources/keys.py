"""Keys and base URLs of remote sources, from the environment and from nowhere else."""

from collections.abc import Mapping

from pydantic import SecretStr

from tickcast_trainer.sources.remote import MissingKey


def key_variable(source: str) -> str:
    """Name the variable that holds a source's key."""
    return f"TICKCAST_SOURCE_{source.upper()}_KEY"


def find_key(source: str, environment: Mapping[str, str]) -> SecretStr | None:
    """Return a source's key, or None without one."""
    key = environment.get(key_variable(source), "").strip()
    return SecretStr(key) if key else None


def needed_key(source: str, environment: Mapping[str, str]) -> SecretStr:
    """Return a source's key. Raises MissingKey, naming the variable."""
    key = find_key(source, environment)
    if key is None:
        raise MissingKey(source, key_variable(source))
    return key


def base_url(source: str, environment: Mapping[str, str], default: str) -> str:
    """Return where a source is asked: ``TICKCAST_SOURCE_<NAME>_URL``, or the vendor's address."""
    return environment.get(f"TICKCAST_SOURCE_{source.upper()}_URL", default).rstrip("/")
