"""Pages and their tokens (AIP-158).

A token is opaque to callers: it holds where the next page begins and a digest of the arguments
that it was made for, so that it cannot continue another listing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tickcast_server.errors import InvalidRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Where a page begins, and how long it may be."""

    size: int
    after: str
    """Key of the last item of the page before; empty for the first page."""

    _scope: str

    def token(self, last: str) -> str:
        """The token of the page that follows the item with the key `last`."""
        data = json.dumps([self._scope, last], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(data).decode().rstrip("=")


def page_request(
    *, size: int, token: str, default: int, maximum: int, arguments: Sequence[str]
) -> PageRequest:
    """Reads `page_size` and `page_token`. `arguments` are all others that shape the listing.

    Raises `InvalidRequest`.
    """
    if size < 0:
        raise InvalidRequest.of("page_size", f"was {size}, needed 0 or more")
    scope = hashlib.sha256(json.dumps(list(arguments)).encode()).hexdigest()[:16]
    return PageRequest(
        size=min(size or default, maximum),
        after=_after(token, scope) if token else "",
        _scope=scope,
    )


def page_of(
    request: PageRequest, items: Sequence[T], key: Callable[[T], str]
) -> tuple[list[T], str]:
    """One page of items that are sorted by a key, and the token of the next."""
    rest = [item for item in items if key(item) > request.after]
    page = rest[: request.size]
    return page, request.token(key(page[-1])) if len(rest) > len(page) else ""


def _after(token: str, scope: str) -> str:
    try:
        data = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        made_for, after = data
    except (binascii.Error, ValueError, TypeError):
        made_for = after = None
    if made_for != scope or not isinstance(after, str):
        raise InvalidRequest.of(
            "page_token",
            "was not made for these arguments, needed the next_page_token "
            "of the page before, with all other arguments the same",
            "PAGE_TOKEN_INVALID",
        )
    return after
