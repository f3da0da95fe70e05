"""Pages add up to the listing, whatever their size, and a token continues its own listing only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickcast_server.errors import InvalidRequest
from tickcast_server.rpc.paging import page_of, page_request

names = st.sets(st.text(min_size=1, max_size=8), max_size=60).map(sorted)


def pages(items: list[str], size: int) -> list[list[str]]:
    found, token = [], ""
    while True:
        request = page_request(size=size, token=token, default=7, maximum=20, arguments=["listing"])
        page, token = page_of(request, items, str)
        found.append(page)
        if not token:
            return found


@given(names, st.integers(0, 50))
def test_pages_add_up_and_none_is_over_its_size(items: list[str], size: int) -> None:
    found = pages(items, size)
    assert [item for page in found for item in page] == items
    assert all(len(page) <= min(size or 7, 20) for page in found)


@given(names, st.integers(1, 5))
def test_only_the_last_page_has_no_token(items: list[str], size: int) -> None:
    assert all(len(page) == size for page in pages(items, size)[:-1])


@given(st.text(max_size=60))
def test_a_token_that_was_made_up_is_refused(token: str) -> None:
    if token:
        with pytest.raises(InvalidRequest) as caught:
            page_request(size=1, token=token, default=1, maximum=1, arguments=[])
        assert caught.value.violations[0].reason == "PAGE_TOKEN_INVALID"


def test_a_token_of_another_listing_is_refused() -> None:
    request = page_request(size=1, token="", default=1, maximum=9, arguments=["AAPL"])
    with pytest.raises(InvalidRequest):
        page_request(size=1, token=request.token("x"), default=1, maximum=9, arguments=["IBM"])


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        page_request(size=-1, token="", default=1, maximum=1, arguments=[])
    assert caught.value.violations[0].field == "page_size"
