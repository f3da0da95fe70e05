"""Whether others could read along."""

from __future__ import annotations

from collections.abc import Iterator

from tickcast.cli.doctor.finding import Finding, ok, warning
from tickcast.cli.session import Session


def check(session: Session) -> Iterator[Finding]:
    """Plain text is fine within this machine."""
    if session.tls is not None:
        yield ok("encryption", "the connection is encrypted, and the server's certificate checked")
    elif session.target.local:
        yield ok("encryption", "plain text, which does not leave this machine")
    else:
        yield warning(
            "encryption",
            "plain text over the network: others can read it, and change it",
            "give the server a certificate (TICKCAST_TLS__CERTIFICATE), then --tls-ca FILE",
        )
