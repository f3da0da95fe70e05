"""TLS of the gRPC port: certificates out of files, read again when the files change."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog

_CERTIFICATE = "TICKCAST_TLS__CERTIFICATE"
_KEY = "TICKCAST_TLS__KEY"
_CLIENT_CA = "TICKCAST_TLS__CLIENT_CA"


class BadCertificate(OSError):
    """A file cannot be used for TLS. The message begins with the variable that names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PemFiles:
    """Where the server's certificate is."""

    certificate: Path
    """The server's certificate, and those between it and its authority."""

    key: Path
    """Its private key, without a passphrase."""

    client_ca: Path | None
    """Authorities of which every client must have a certificate; `None` where none is asked for."""

    def read(self) -> grpc.ServerCertificateConfiguration:
        """What the files hold, once it is known to fit together. Raises `BadCertificate`."""
        certificate = _read_certificates(_CERTIFICATE, self.certificate)
        key = _read(_KEY, self.key)
        client_ca = _read_certificates(_CLIENT_CA, self.client_ca) if self.client_ca else None
        try:
            # Without an answer of ours, OpenSSL would ask for a passphrase at the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.certificate, self.key, password=lambda: ""
            )
        except OSError as error:
            raise BadCertificate(
                f"{_KEY}: {self.key} is not the private key of {self.certificate}, "
                f"as PEM without a passphrase: {error}"
            ) from error
        return grpc.ssl_server_certificate_configuration([(key, certificate)], client_ca)

    def state(self) -> tuple[object, ...]:
        """Something that is another when a file was written or replaced."""
        return tuple(self._states())

    def _states(self) -> Iterator[object]:
        for path in (self.certificate, self.key, self.client_ca):
            try:
                found = path.stat() if path else None
            except OSError as error:
                yield error.errno
            else:
                yield found and (found.st_mtime_ns, found.st_ino, found.st_size)


class Certificates:
    """The certificates in force: those of the files, or the last that could be used."""

    def __init__(self, files: PemFiles) -> None:
        """Reads the files. Raises `BadCertificate`."""
        self._files = files
        self._seen = files.state()
        self._first = files.read()

    def credentials(self) -> grpc.ServerCredentials:
        """What the server listens with."""
        return grpc.dynamic_ssl_server_credentials(
            self._first,
            self._changed,
            require_client_authentication=self._files.client_ca is not None,
        )

    def _changed(self) -> Any:
        """New certificates, or `None`: gRPC asks before every handshake, in a thread of its own."""
        state = self._files.state()
        if state == self._seen:
            return None
        self._seen = state
        log = structlog.get_logger("tickcast.tls")
        try:
            renewed = self._files.read()
        except BadCertificate as error:
            log.warning(
                "new certificates cannot be used; those before stay in force",
                cause=str(error),
                action="write certificate and key that belong together",
            )
            return None
        log.info("new certificates are in force", certificate=str(self._files.certificate))
        return renewed


def _read(variable: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadCertificate(f"{variable}: {path} cannot be read: {error.strerror}") from error


def _read_certificates(variable: str, path: Path) -> bytes:
    content = _read(variable, path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        raise BadCertificate(
            f"{variable}: {path} holds no certificate, needed one as PEM: {error}"
        ) from error
    return content
