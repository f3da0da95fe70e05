"""Every link of a page leads to a file of the checkout, for those who read it there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt

from tests.documentation.blocks import ROOT, pages


def links(page: str) -> Iterator[str]:
    """Where the links of a page lead within the checkout, without their anchors."""
    for token in MarkdownIt().enable("table").parse((ROOT / page).read_text()):
        for child in token.children or ():
            target = str(child.attrGet("href") or child.attrGet("src") or "").partition("#")[0]
            if target and "://" not in target:
                yield target


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_to_a_file(page: str) -> None:
    folder = (ROOT / page).parent
    assert [link for link in links(page) if not (folder / link).exists()] == []
