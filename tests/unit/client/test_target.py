"""Where a client connects to, as its user may write it."""

from __future__ import annotations

import pytest
from tickcast._target import parse_target


@pytest.mark.parametrize(
    ("given", "uri", "balanced", "local"),
    [
        ("localhost:50051", "localhost:50051", False, True),
        ("[::1]:50051", "[::1]:50051", False, True),
        ("desk.example:443", "desk.example:443", False, False),
        ("127.0.0.1:1,localhost:2", "ipv4:127.0.0.1:1,127.0.0.1:2", True, True),
        ("[::1]:1, [::1]:2", "ipv6:[::1]:1,[::1]:2", True, True),
        ("10.0.0.1:1,127.0.0.1:2", "ipv4:10.0.0.1:1,127.0.0.1:2", True, False),
        ("ipv4:127.0.0.1:1,10.0.0.1:2", "ipv4:127.0.0.1:1,10.0.0.1:2", True, False),
        ("dns:///localhost:1", "dns:///localhost:1", True, True),
        ("dns:///desk.example:1", "dns:///desk.example:1", True, False),
        ("unix:/run/tickcast.sock", "unix:/run/tickcast.sock", False, True),
        ("localhost.desk.example:1", "localhost.desk.example:1", False, False),
    ],
)
def test_a_target_is_one_address_or_several(
    given: str, uri: str, balanced: bool, local: bool
) -> None:
    target = parse_target(given)
    assert (target.uri, target.balanced, target.local) == (uri, balanced, local)


def test_without_one_the_environment_says_or_else_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TICKCAST_TARGET", "desk.example:1")
    assert parse_target(None).uri == "desk.example:1"
    monkeypatch.delenv("TICKCAST_TARGET")
    assert parse_target(None).uri == "localhost:50051"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("127.0.0.1:1,127.0.0.1", r"target: was '127\.0\.0\.1:1,127\.0\.0\.1', needed host:port"),
        ("127.0.0.1:1,[::1]:2", r"needed hosts that all have an IPv4 address, or all an IPv6"),
    ],
)
def test_addresses_that_cannot_be_used_together_are_refused(given: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_target(given)
