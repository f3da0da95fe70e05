"""Whether the server's certificate can be used."""

from __future__ import annotations

from collections.abc import Iterator

from tickcast_server.doctor.finding import Finding
from tickcast_server.rpc.tls import BadCertificate, PemFiles
from tickcast_server.settings import Settings


def check(settings: Settings) -> Iterator[Finding]:
    """The files of TLS, or whether plain text leaves this machine."""
    tls = settings.tls
    if tls.certificate is None or tls.key is None:
        if not settings.address.startswith(("127.", "localhost:", "[::1]:")):
            yield Finding(
                "encryption",
                "warning",
                f"address: {settings.address} is heard by other machines, in plain text",
                "set TICKCAST_TLS__CERTIFICATE and TICKCAST_TLS__KEY, or listen on 127.0.0.1",
            )
        return
    try:
        PemFiles(certificate=tls.certificate, key=tls.key, client_ca=tls.client_ca).read()
    except BadCertificate as error:
        yield Finding("encryption", "problem", str(error), "renew it, or correct TICKCAST_TLS__*")
    else:
        yield Finding("encryption", "ok", f"{tls.certificate} and its key belong together")
