"""Pages whose reader starts a server do what they say, as typed."""

from __future__ import annotations

import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.documentation.scenes import STARTED
from tests.documentation.session import Session


@pytest.mark.parametrize("page", STARTED)
async def test_the_page_does_what_it_says(page: str, tmp_path: Path) -> None:
    scene = STARTED[page]
    if scene.needs and not shutil.which(scene.needs):
        pytest.skip(f"needs {scene.needs}")
    scene.prepare(tmp_path)
    async with AsyncExitStack() as running:
        session = Session(folder=tmp_path, running=running, variables=scene.variables)
        await session.follow(page)
