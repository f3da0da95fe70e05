"""The notebook of the examples runs from its first cell to its last, in a kernel of its own."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from tickcast import AsyncClient
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import start_local

from tests.conftest import AddPackage
from tests.sdk_bars import sdk_bars

FILE = Path(__file__).parents[2] / "examples" / "quickstart.ipynb"


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    found: nbformat.NotebookNode = nbformat.read(FILE, 4)  # type: ignore[no-untyped-call]
    return found


async def test_the_notebook_runs_and_shows_tables(
    tmp_path: Path,
    add_package: AddPackage,
    monkeypatch: pytest.MonkeyPatch,
    notebook: nbformat.NotebookNode,
) -> None:
    add_package(name="daily-ridge")
    async with start_local(tmp_path) as app:
        async with AsyncClient(app.address) as client:
            for symbol in ("AAPL", "MSFT"):
                bars = sdk_bars(random_walk_bars(100, symbol=symbol))
                await client.ingest_bars(bars)
        monkeypatch.setenv("TICKCAST_TARGET", app.address)
        await NotebookClient(notebook, timeout=60, kernel_name="python3").async_execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tables = [
        output.data["text/html"]
        for cell in cells
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    assert len(tables) == 3
    assert all("AAPL" in table for table in tables)
    assert not [
        output for cell in cells for output in cell.outputs if output.output_type == "stream"
    ]


def test_the_notebook_is_kept_without_what_it_printed(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")
