"""Certificates for tests, as an authority would write them to files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates, and has one of its own that others trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.root = folder / "ca.pem"
        folder.mkdir(parents=True, exist_ok=True)
        self._ca.cert_pem.write_to_path(self.root)

    def issue(self, *names: str, to: str = "server") -> Pair:
        """A pair for these host names and addresses, in place of the one that `to` had before."""
        pair = Pair(certificate=self._folder / f"{to}.pem", key=self._folder / f"{to}.key")
        issued = self._ca.issue_cert(*names)
        # Renamed into place, as programs that renew certificates do.
        for content, path in (
            (b"".join(blob.bytes() for blob in issued.cert_chain_pems), pair.certificate),
            (issued.private_key_pem.bytes(), pair.key),
        ):
            path.with_suffix(".new").write_bytes(content)
            path.with_suffix(".new").replace(path)
        return pair
