"""Whether others could read along, and how long the server's certificate lasts."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tickcast._tls import Pem, Tls
from tickcast.cli.doctor.finding import Finding, ok, warning
from tickcast.cli.doctor.network import endpoints
from tickcast.cli.session import Session

_PATIENCE = 3.0

# A certificate that nobody has renewed by then is one that nobody thinks of.
_SOON = timedelta(days=14)


def check(session: Session) -> Iterator[Finding]:
    """Plain text is fine within this machine."""
    if session.tls is not None:
        yield ok("encryption", "the connection is encrypted, and the server's certificate checked")
        for host, port in endpoints(session.target):
            yield from _certificate(host, port, session.tls)
    elif session.target.local:
        yield ok("encryption", "plain text, which does not leave this machine")
    else:
        yield warning(
            "encryption",
            "plain text over the network: others can read it, and change it",
            "give the server a certificate (TICKCAST_TLS__CERTIFICATE), then --tls-ca FILE",
        )


def _certificate(host: str, port: int, tls: Tls) -> Iterator[Finding]:
    try:
        ends = _end(host, port, tls)
    except OSError as error:
        yield warning(
            "encryption",
            f"the certificate of {host}:{port} cannot be looked at: {error}",
            f"openssl s_client -connect {host}:{port}",
        )
        return
    says = f"the certificate of {host}:{port} lasts until {ends:%Y-%m-%d}"
    if ends - datetime.now(UTC) > _SOON:
        yield ok("encryption", says)
    else:
        yield warning(
            "encryption", says, "renew it; the server takes new files up without a restart"
        )


def _end(host: str, port: int, tls: Tls) -> datetime:
    """When the certificate ends. Raises `OSError`."""
    context = ssl.create_default_context(cafile=_path(tls.root_certificates))
    context.set_alpn_protocols(["h2"])
    certificate, key = _path(tls.certificate), _path(tls.key)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    with (
        socket.create_connection((host, port), timeout=_PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=tls.server_name or host) as encrypted,
    ):
        told = encrypted.getpeercert() or {}
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)


def _path(pem: Pem | None) -> str | None:
    # Options of the command line are files.
    return None if pem is None else str(pem)
