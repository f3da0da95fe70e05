"""What a registry is told of the rows that models were trained on, and what names them."""

import hashlib
import json

import numpy as np

from tickcast_trainer.dataset import Dataset

# A tracking server takes 36 characters.
_DIGEST_CHARACTERS = 32


def dataset_facts(dataset: Dataset, *, source: str, location: str) -> dict[str, str]:
    """Return MLflow's description of the rows, which came from ``location`` of a bar source."""
    names = dataset.feature_set.names
    columns = [{"type": "float", "name": name} for name in names]
    profile = {
        "rows": len(dataset),
        "symbols": len(dataset.symbols),
        "timeframe": str(dataset.timeframe),
        "horizon_bars": dataset.horizon,
        "first_as_of_time": _instant(dataset.as_of_time[0]),
        "last_target_time": _instant(dataset.target_time.max()),
    }
    return {
        "name": source,
        "digest": digest(dataset),
        "source_type": "tickcast",
        "source": json.dumps({"source": source, "location": location}),
        "schema": json.dumps({"mlflow_colspec": columns}),
        "profile": json.dumps(profile),
    }


def digest(dataset: Dataset) -> str:
    """Return what is the same for the same rows in the same order, and for no others."""
    total = hashlib.sha256("\n".join((dataset.feature_set.id, *dataset.symbols)).encode())
    for column in (
        dataset.series_index.astype(np.int64),
        dataset.as_of_time,
        dataset.target_time,
        dataset.features,
        dataset.target,
    ):
        total.update(np.ascontiguousarray(column).tobytes())
    return total.hexdigest()[:_DIGEST_CHARACTERS]


def _instant(seconds: np.int64) -> str:
    return f"{np.datetime64(int(seconds), 's')}Z"
