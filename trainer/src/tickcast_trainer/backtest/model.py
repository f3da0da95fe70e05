"""A model package as a forecaster of past bars, computed as a server computes them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import (
    FeatureSet,
    feature_sets,
    find_feature_set,
    load_feature_file,
    sliding_windows,
)
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import read_package

from tickcast_trainer.backtest.errors import UnusablePackage
from tickcast_trainer.backtest.indicators import Columns
from tickcast_trainer.backtest.panel import Panel
from tickcast_trainer.cross_section import members_of, rankable_features
from tickcast_trainer.onnx_session import one_thread_session
from tickcast_trainer.progress import Advance, Progress


class PackagedModel:
    """A model of the repository: bars in, predicted log returns over its horizon out."""

    def __init__(self, manifest: Manifest, feature_set: FeatureSet, session: Any) -> None:
        self.manifest = manifest
        self.feature_set = feature_set
        self._session = session

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return predicted log returns (n,) for features (n, F)."""
        manifest = self.manifest
        (output,) = self._session.run([manifest.output_name], {manifest.input_name: features})
        return np.asarray(output, dtype=np.float32)[:, 0]

    def bounds(
        self, features: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the intervals (n,), (n,) for features (n, F), as a server does."""
        manifest = self.manifest
        if manifest.tails is not None:
            lower, upper = self.tails(features).astype(np.float64).T
            return lower, upper
        scale = manifest.band.scales(features, self.feature_set.names)
        return manifest.band.bounds(self.predict(features).astype(np.float64), scale)

    def tails(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the ends that the graph answers (n, 2); only of a model that has them.

        Raises ValueError for one that has none.
        """
        manifest = self.manifest
        if manifest.tails is None:
            raise ValueError(f"{manifest.name}: was without tails, needed a model that has them")
        (output,) = self._session.run([manifest.tails.output_name], {manifest.input_name: features})
        return np.asarray(output, dtype=np.float32)

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of a rise that the graph answers (n,); only of one that does.

        Raises ValueError for one that does not.
        """
        manifest = self.manifest
        if manifest.direction is None:
            raise ValueError(f"{manifest.name}: was without a probability, needed a classifier")
        (output,) = self._session.run(
            [manifest.direction.output_name], {manifest.input_name: features}
        )
        return np.asarray(output, dtype=np.float32)[:, 0]

    def forecast(self, panel: Panel, series: Sequence[BarSeries], progress: Progress) -> Columns:
        """Return the prediction at the close of every bar, (T, N), NaN where there is none.

        ``series`` are those that the panel was made of. A symbol has predictions from its bar
        ``minimum_bars`` of the feature set on; one that is ranked, where enough of its universe
        have a row. Raises UnusablePackage when the model was made for another timeframe, or ranks
        a universe that has none of the symbols.
        """
        if panel.timeframe != self.manifest.timeframe:
            raise UnusablePackage(
                f"timeframe: was {panel.timeframe}, needed {self.manifest.timeframe}, "
                f"which {self.manifest.name} was trained on"
            )
        result = np.full(panel.close.shape, np.nan)
        with progress.step("features and predictions", sum(map(len, series))) as advance:
            for column, bars, features in self._features(series, advance):
                rows = np.searchsorted(panel.open_time, series[column].open_time[bars])
                result[rows, column] = self.predict(features)
        return result

    def _features(
        self, series: Sequence[BarSeries], advance: Advance
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
        """Number of a series, some of its bars (k,), and their features (k, F)."""
        if self.feature_set.ranks:
            yield from self._ranked_features(series, advance)
            return
        for column, one in enumerate(series):
            for bars, windows in sliding_windows(self.feature_set, one):
                yield column, bars, self.feature_set.compute(windows)
            advance(len(one))

    def _ranked_features(
        self, series: Sequence[BarSeries], advance: Advance
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
        feature_set = self.feature_set
        members = members_of(feature_set, series)
        if not members:
            raise UnusablePackage(
                f"symbols: were {', '.join(one.symbol for one in series)}, needed some of the "
                f"{len(feature_set.universe)} that {self.manifest.name} ranks"
            )
        columns = {one.symbol: column for column, one in enumerate(series)}
        for one, bars, features in rankable_features(feature_set, members, advance):
            yield columns[one.symbol], bars, features


def load_model(folder: Path, *, features: Path | None = None) -> PackagedModel:
    """Read a package from its folder ``<repository>/<name>/<version>`` and replay its golden rows.

    ``features`` is the file that declares its feature set, where that has functions of its own.
    Raises ModelkitError when the package is damaged, cannot be computed here, or computes other
    predictions than where it was made.
    """
    package = read_package(folder)
    known = feature_sets() if features is None else load_feature_file(features)
    manifest = package.manifest
    feature_set = find_feature_set(manifest.feature_set, manifest.features, known)
    model = PackagedModel(manifest, feature_set, one_thread_session(package.onnx))
    package.golden.replay(feature_set, model.predict, model.tails, model.probability)
    return model
