"""Which model a request is for, and what goes in and comes out of it."""

from __future__ import annotations

import re

from tickcast_server.errors import ModelVersionNotFound
from tickcast_server.rpc.violations import Violations
from tickcast_server.serving.foreign import ForeignModel
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import ModelRef, Models
from tickcast_server.serving.signature import Signature

_VERSION = re.compile(r"[1-9][0-9]{0,17}|[a-z][a-z0-9-]{0,62}")


def model_ref(models: Models, name: str, version: str, field: str = "model_name") -> ModelRef:
    """A model by the bare name that clients of the protocol use; no version is the default one.

    Raises `InvalidRequest`, `ModelNotFound`, `ModelVersionNotFound`.
    """
    wrong = Violations()
    if not name:
        wrong.required(field, "the name of a model that RepositoryIndex lists")
    wrong.check()
    entry = models.entry(name)
    if version and not _VERSION.fullmatch(version):
        raise ModelVersionNotFound(name, version, [*map(str, sorted(entry.versions))])
    return ModelRef(name, version or None)


def signature(model: LoadedModel | ForeignModel) -> Signature:
    """The tensors of a model."""
    return model.signature if isinstance(model, ForeignModel) else model.session.signature


def number(model: LoadedModel | ForeignModel) -> str:
    """The version that answers, as the protocol writes it."""
    return model.name.rpartition("/")[2]
