"""TLS towards the server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc

Pem: TypeAlias = str | Path | bytes
"""A PEM file's path, or the bytes of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a connection is encrypted, and who is at its ends. `Tls()` is for a public authority.

    Files are read when the client is made. Raises `ValueError` for half of a client's certificate.

    >>> Tls(certificate="desk.pem")
    Traceback (most recent call last):
    ValueError: tls: was given certificate without key, needed both or neither
    """

    root_certificates: Pem | None = None
    """Authorities that the server's certificate may be of; `None` for those that come with gRPC."""

    certificate: Pem | None = None
    """This client's certificate, for a server that asks for one (mTLS), with those between it and
    its authority."""

    key: Pem | None = None
    """The private key of the client's certificate."""

    server_name: str | None = None
    """Name in the server's certificate; `None` for the host of the target."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            given, missing = ("certificate", "key") if self.certificate else ("key", "certificate")
            raise ValueError(f"tls: was given {given} without {missing}, needed both or neither")


def channel_credentials(tls: Tls) -> grpc.ChannelCredentials:
    """What gRPC takes. Raises `ValueError` for a file that cannot be used."""
    return grpc.ssl_channel_credentials(
        root_certificates=_read("root_certificates", tls.root_certificates, b"CERTIFICATE-----"),
        private_key=_read("key", tls.key, b"PRIVATE KEY-----"),
        certificate_chain=_read("certificate", tls.certificate, b"CERTIFICATE-----"),
    )


def _read(field: str, pem: Pem | None, mark: bytes) -> bytes | None:
    if pem is None:
        return None
    named = "bytes" if isinstance(pem, bytes) else str(pem)
    try:
        content = pem if isinstance(pem, bytes) else Path(pem).read_bytes()
    except OSError as error:
        raise ValueError(f"tls.{field}: {named} cannot be read: {error.strerror}") from error
    if mark not in content:
        # gRPC would only say that no connection comes about.
        raise ValueError(f"tls.{field}: was {named}, needed PEM with {mark.decode().rstrip('-')}")
    return content
