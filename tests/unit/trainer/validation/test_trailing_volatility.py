"""Regimes are told by a volatility that needs no feature."""

import numpy as np
from rich.console import Console
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import build_dataset
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.validation.regimes import trailing_volatility


def test_the_trailing_volatility_is_that_of_the_core_feature() -> None:
    series = [random_walk_bars(120, symbol=f"S{seed}", seed=seed) for seed in (1, 2)]
    dataset = build_dataset(
        series, feature_set=CORE, horizon=2, progress=ProgressLines(Console(quiet=True))
    )
    column = CORE.names.index("realised_volatility_20")
    found = trailing_volatility(dataset)
    np.testing.assert_allclose(found, dataset.features[:, column], rtol=1e-6)
