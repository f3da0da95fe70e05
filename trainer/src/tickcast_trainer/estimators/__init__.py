"""The models that can be trained, one family to a file, and their graphs.

An estimator says how to fit, and a fitted model how to predict and how to become an ONNX graph. A
new one is a section in ``estimator_settings``, a file here and a line in ``catalog``. The libraries
are imported where they are used, as importing them takes seconds that ``--help`` does not have.
"""

from tickcast_trainer.estimators.catalog import make_estimator
from tickcast_trainer.estimators.estimator import Estimator, FittedModel, Parameters
from tickcast_trainer.estimators.graph import INPUT_NAME, OUTPUT_NAME

__all__ = [
    "INPUT_NAME",
    "OUTPUT_NAME",
    "Estimator",
    "FittedModel",
    "Parameters",
    "make_estimator",
]
