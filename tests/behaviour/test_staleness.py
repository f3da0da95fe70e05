"""A prediction from a bar that is too old is flagged or refused, as the operator wants it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tickcast import AsyncClient, Bar, PredictionOutdated
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.settings import load_settings
from tickcast_server.testing import start_local

from tests.conftest import AddPackage
from tests.sdk_bars import sdk_bars

DAY = 86_400
LIMITS = {
    "bars": 3,
    "models": {
        "strict": {"bars": 3, "then": "refuse"},
        "patient": {"bars": 30, "then": "refuse"},
        "careless": {},
    },
}


@pytest.fixture
def bars() -> list[Bar]:
    """Daily bars of which the last closed five to six days ago."""
    now = int(time.time())
    start = now - now % DAY - (100 + 5) * DAY
    return sdk_bars(random_walk_bars(100, symbol="AAPL", start=start))


async def test_an_old_bar_is_flagged_or_refused_by_the_model_that_is_asked(
    tmp_path: Path, add_package: AddPackage, bars: list[Bar]
) -> None:
    for name in ("tiny", "strict", "patient", "careless"):
        add_package(name=name)
    async with (
        start_local(tmp_path, staleness=LIMITS) as app,
        AsyncClient(app.address) as client,
    ):
        await client.ingest_bars(bars)
        for _ in range(2):
            # The second answer is one that was kept.
            outdated = {
                name: (
                    await client.predict("AAPL", model=f"models/{name}")
                ).feature_provenance.outdated
                for name in ("tiny", "patient", "careless")
            }
            assert outdated == {"tiny": True, "patient": False, "careless": False}
            with pytest.raises(PredictionOutdated, match=r"s ago, needed at most 259200 s"):
                await client.predict("AAPL", model="models/strict")
        # Whoever sends the bars knows how old they are.
        sent = await client.predict("AAPL", model="models/strict", bars=bars)
        assert not sent.feature_provenance.outdated
        (item,) = await client.batch_predict(["AAPL"], model="models/strict")
        assert isinstance(item, PredictionOutdated)


def test_limits_come_from_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "server.toml"
    config.write_text('[staleness.models.daily]\nbars = 2\nthen = "refuse"\n')
    monkeypatch.setenv("TICKCAST_STALENESS__BARS", "1.5")
    found = load_settings(config=config, environ=os.environ).staleness
    assert (found.bars, found.then) == (1.5, "flag")
    assert (found.models["daily"].bars, found.models["daily"].then) == (2, "refuse")
