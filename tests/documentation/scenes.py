"""What the reader of each page has before beginning: bars, models, a server that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from tickcast_modelkit.bars import BAR_COLUMNS
from tickcast_trainer.cli import main as train
from tickcast_trainer.sources import bundled

from tests.conftest import write_linear_package

# A model from elsewhere, as somebody who uses scikit-learn has one.
TRAINED_ELSEWHERE = """
from pathlib import Path
import numpy as np
import tritonclient.grpc
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X[:, 0] > 0)
client = tritonclient.grpc.InferenceServerClient("localhost:50051")
"""


QUICK_RIDGE = (
    *("--name", "daily", "--estimators", "ridge", "--folds", "2"),
    *("--no-leak-check", "--no-report"),
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where the reader of a page begins."""

    prepare: Callable[[Path], object] = lambda folder: folder
    before: str = ""
    """Python of a model from elsewhere that the page takes as given."""

    variables: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    """A program that may not be there."""


def bars(folder: Path, *, most: int = 400) -> None:
    """Bars of one's own: the last of those that are bundled, as the files that pages speak of."""
    (folder / "bars").mkdir()
    for series in bundled.open(""):
        table = pd.DataFrame(series.ohlcv, columns=list(BAR_COLUMNS))
        table.insert(0, "time", series.open_time)
        table.tail(most).to_csv(folder / "bars" / f"{series.symbol}.csv", index=False)


def champion_and_challengers(folder: Path) -> None:
    """A champion of 2009, and two that were trained later."""
    bars(folder, most=3_000)
    models = folder / ".tickcast" / "models"
    for until in ("2009-03-01", "2009-06-01", "2010-03-01"):
        assert train([*QUICK_RIDGE, "--until", until, "--models", str(models)]) == 0


def served(folder: Path) -> None:
    """A champion that answers for itself."""
    write_linear_package(folder / ".tickcast" / "models", name="daily-ridge")


# Pages whose reader asks a server that runs.
SERVED: dict[str, Scene] = {
    "README.md": Scene(before=TRAINED_ELSEWHERE),
    "clients/python/README.md": Scene(),
    "docs/command_line.md": Scene(),
    "docs/how_to/curl.md": Scene(),
    "docs/how_to/foreign_onnx.md": Scene(),
    "docs/how_to/grpcurl.md": Scene(),
    "docs/how_to/monitoring.md": Scene(),
    "docs/how_to/tritonclient.md": Scene(),
    "docs/http.md": Scene(),
    "docs/operations.md": Scene(),
    "docs/python.md": Scene(),
}

# Pages whose reader trains, and has bars.
TRAINED: dict[str, Scene] = {
    "docs/backtest.md": Scene(prepare=bars),
    "docs/data.md": Scene(prepare=bars),
    "docs/features.md": Scene(),
    "docs/promotion.md": Scene(prepare=champion_and_challengers),
    "docs/training.md": Scene(variables={"TICKCAST_TRAIN_ESTIMATORS": "ridge,xgboost"}),
}

# Pages whose reader starts a server.
STARTED: dict[str, Scene] = {
    "docs/how_to/browser.md": Scene(prepare=served, needs="node"),
    "docs/how_to/own_bars.md": Scene(prepare=bars),
    "docs/how_to/own_features.md": Scene(),
    "docs/how_to/own_redis.md": Scene(prepare=served, needs="redis-server"),
    "docs/how_to/several_workers.md": Scene(prepare=served),
    "docs/tutorial.md": Scene(variables={"TICKCAST_TRAIN_REPORT": "true"}),
}
