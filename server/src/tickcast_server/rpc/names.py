"""Resource names: models/{model}/versions/{version}, featureSets/{id}."""

from __future__ import annotations

import re
from functools import lru_cache

from tickcast_server.serving.models import ModelRef

_MODEL = re.compile(r"models/([a-z][a-z0-9-]{0,62})")
_VERSION = re.compile(r"models/([a-z][a-z0-9-]{0,62})/versions/([1-9][0-9]*|[a-z][a-z0-9-]{0,62})")
_FEATURE_SET = re.compile(r"featureSets/([A-Za-z0-9][A-Za-z0-9_-]{0,127})")

MODEL_FORM = "models/{model} or models/{model}/versions/{version}"


@lru_cache(maxsize=1_024)
def parse_model_ref(name: str) -> ModelRef | None:
    """A model or one of its versions; None when `name` is neither."""
    if match := _MODEL.fullmatch(name):
        return ModelRef(match[1], None)
    return parse_version_ref(name)


def parse_version_ref(name: str) -> ModelRef | None:
    """A version; None when `name` is not one."""
    match = _VERSION.fullmatch(name)
    return ModelRef(match[1], match[2]) if match else None


def parse_model(name: str) -> str | None:
    """The model's own name; None when `name` is not a model's."""
    match = _MODEL.fullmatch(name)
    return match[1] if match else None


def parse_feature_set(name: str) -> str | None:
    """The feature set's id; None when `name` is not a feature set's."""
    match = _FEATURE_SET.fullmatch(name)
    return match[1] if match else None
