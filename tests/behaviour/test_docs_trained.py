"""Pages about training and what comes of it do what they say, as typed."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.documentation.scenes import TRAINED
from tests.documentation.session import Session


@pytest.mark.parametrize("page", TRAINED)
async def test_the_page_does_what_it_says(page: str, tmp_path: Path) -> None:
    scene = TRAINED[page]
    scene.prepare(tmp_path)
    async with AsyncExitStack() as running:
        session = Session(folder=tmp_path, running=running, variables=scene.variables)
        await session.follow(page)
