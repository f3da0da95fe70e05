"""What a client is given is checked when it is made, and not when it is first used."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from tickcast import AsyncClient, Client, Hedging, Tls


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timeout": 0}, r"^timeout: was 0, needed more than 0 seconds$"),
        ({"channels": 0}, r"^channels: was 0, needed 1 or more$"),
        (
            {"tls": Tls(), "credentials": grpc.ssl_channel_credentials()},
            r"^credentials, tls: were both given",
        ),
        (
            {"target": "desk.example:1", "token": "secret"},
            r"^token: would be sent to desk\.example:1 in plain text, needed tls=Tls\(\)",
        ),
        (
            {"tls": Tls(root_certificates="none.pem")},
            r"^tls\.root_certificates: none\.pem cannot be read: No such file or directory$",
        ),
        (
            {"tls": Tls(root_certificates=b"DER")},
            r"^tls\.root_certificates: was bytes, needed PEM with CERTIFICATE$",
        ),
        (
            {"target": "10.0.0.1:1,10.0.0.2:1", "tls": Tls()},
            r"^tls\.server_name: was not given, needed the name in the certificates of all of",
        ),
    ],
)
async def test_what_cannot_be_used_is_named(kind: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"certificate": "a.pem"}, "^tls: was given certificate without key, needed both"),
        ({"key": "a.key"}, "^tls: was given key without certificate, needed both"),
    ],
)
def test_half_of_a_clients_certificate_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tls(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"after": 0.0}, "^hedging.after: was 0.0, needed more than 0 seconds$"),
        ({"after": 1.0, "share": 0.0}, "^hedging.share: was 0.0, needed more than 0, at most 1$"),
        ({"after": 1.0, "share": 1.5}, "^hedging.share: was 1.5, needed more than 0, at most 1$"),
    ],
)
def test_hedging_that_makes_no_sense_is_refused(given: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hedging(**given)


@pytest.mark.parametrize("given", [{}, {"tls": Tls()}, {"insecure_token": True}])
def test_a_token_may_go_where_nobody_listens(given: dict[str, Any]) -> None:
    target = "desk.example:1" if given else "localhost:1"
    Client(target, token="secret", **given).close()
