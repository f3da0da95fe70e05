"""What a user of scikit-learn and XGBoost does: train, export into the repository, ask.

`foreign.py export FOLDER` writes the graphs and what the models say, and
`foreign.py ask FOLDER ADDRESS` compares what a server says.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput

ROWS = 50


def export(folder: Path) -> None:
    """Two classifiers, as their users train and convert them, and one with a ZipMap."""
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from xgboost import XGBClassifier

    random = np.random.default_rng(0)
    rows = random.normal(size=(ROWS, 4)).astype(np.float32)
    rising = (rows[:, 0] + rows[:, 1] > 0).astype(np.int64)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, rising)
    trees = XGBClassifier(n_estimators=20).fit(rows, rising)
    graphs = {
        "rising/1": to_onnx(pipeline, rows[:1], options={"zipmap": False}),
        "rising-trees": convert_xgboost(trees, initial_types=[("X", FloatTensorType([None, 4]))]),
        "mapped/1": to_onnx(pipeline, rows[:1]),
    }
    for name, graph in graphs.items():
        place = folder / "models" / name
        place.mkdir(parents=True)
        (place / "model.onnx").write_bytes(graph.SerializeToString())
    np.savez(
        folder / "said.npz",
        rows=rows,
        **{"rising": pipeline.predict_proba(rows), "rising-trees": trees.predict_proba(rows)},
    )


def ask(folder: Path, address: str) -> None:
    """Both answer as the models that they were exported from."""
    said = np.load(folder / "said.npz")
    rows = InferInput("X", said["rows"].shape, "FP32")
    rows.set_data_from_numpy(said["rows"])
    with InferenceServerClient(address) as client:
        for name in ("rising", "rising-trees"):
            answer = client.infer(name, [rows])
            np.testing.assert_allclose(answer.as_numpy("probabilities"), said[name], atol=1e-5)
            assert answer.as_numpy("label").shape == (ROWS,)
        assert not client.is_model_ready("mapped")
        (refused,) = [
            row for row in client.get_model_repository_index().models if row.name == "mapped"
        ]
        assert "options={'zipmap': False}" in refused.reason, refused


if sys.argv[1] == "export":
    export(Path(sys.argv[2]))
else:
    ask(Path(sys.argv[2]), sys.argv[3])
