"""A model version that is ready to answer, and how one is made from its package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tickcast_modelkit.features import FeatureSet, find_feature_set
from tickcast_modelkit.intervals import ConformalBand
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import read_package
from tickcast_modelkit.row_band import RowBand

from tickcast_server.serving.session import Session


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedModel:
    """One version, checked and warmed up."""

    name: str
    """Resource name, models/{model}/versions/{number}."""

    manifest: Manifest
    feature_set: FeatureSet
    session: Session
    load_time: float
    """Seconds since the epoch."""

    timeframe: str = field(init=False)
    feature_set_name: str = field(init=False)
    """Resource name, featureSets/{id}."""

    features: int = field(init=False)
    """How many a row has."""

    horizon_seconds: int = field(init=False)
    """From the as-of time to the target time."""

    band: ConformalBand = field(init=False)
    row_band: RowBand = field(init=False)
    """The band, for one row at a time."""

    def __post_init__(self) -> None:
        # What each prediction says of its model, once for all of them.
        manifest, feature_set = self.manifest, self.feature_set
        for name, value in {
            "timeframe": str(manifest.timeframe),
            "feature_set_name": f"featureSets/{feature_set.id}",
            "features": len(feature_set.names),
            "horizon_seconds": manifest.horizon_bars * manifest.timeframe.seconds,
            "band": manifest.band,
            "row_band": RowBand(manifest.band, feature_set.names),
        }.items():
            object.__setattr__(self, name, value)


def load_model(
    path: Path, *, feature_sets: Mapping[str, FeatureSet], threads: int, now: float
) -> LoadedModel:
    """Reads a package, checks it, and replays its golden rows, which also warms it up.

    Raises `tickcast_modelkit.errors.ModelkitError` or `UnusableModel`.
    """
    package = read_package(path)
    manifest = package.manifest
    feature_set = find_feature_set(manifest.feature_set, manifest.features, feature_sets)
    session = Session(
        package.onnx,
        input_name=manifest.input_name,
        output_name=manifest.output_name,
        tails_name=manifest.tails.output_name if manifest.tails else None,
        probability_name=manifest.direction.output_name if manifest.direction else None,
        features=len(feature_set.names),
        threads=threads,
    )
    package.golden.replay(
        feature_set,
        lambda rows: session.run(rows).predictions,
        # Of a package that has none of these, none are asked for.
        lambda rows: np.asarray(session.run(rows).tails),
        lambda rows: np.asarray(session.run(rows).probabilities),
    )
    session.run_one(package.golden.features[0])
    return LoadedModel(
        name=f"models/{manifest.name}/versions/{manifest.version}",
        manifest=manifest,
        feature_set=feature_set,
        session=session,
        load_time=now,
    )
