"""What a server follows in a registry: an alias of a model, or one version of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tickcast_modelkit.manifest import is_model_name

_REFERENCE = re.compile(r"(?:models:/)?(?P<model>[^/@]+)(?:@(?P<alias>.+)|/(?P<number>[1-9]\d*))")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryReference:
    """`daily-ridge@champion` or `daily-ridge/3`, as MLflow writes it after models:/."""

    model: str

    alias: str | None
    """The registry says which version it is; it can move."""

    number: int | None
    """The one version, for a reference without an alias."""

    @classmethod
    def parse(cls, text: str) -> RegistryReference:
        """Raises `ValueError`, which says what is needed."""
        match = _REFERENCE.fullmatch(text.strip())
        if match is None or not all(
            is_model_name(match[part]) for part in ("model", "alias") if match[part] is not None
        ):
            raise ValueError(
                f"{text!r}: needed NAME@ALIAS or NAME/VERSION, such as daily-ridge@champion or "
                "daily-ridge/3"
            )
        number = int(match["number"]) if match["number"] else None
        return cls(model=match["model"], alias=match["alias"], number=number)

    def __str__(self) -> str:
        if self.alias is not None:
            return f"{self.model}@{self.alias}"
        return f"{self.model}/{self.number}"


def check_references(references: Sequence[RegistryReference]) -> None:
    """Raises `ValueError` when two of them could disagree on the version that is to answer."""
    times = Counter(reference.model for reference in references)
    for reference in references:
        if reference.alias is None and times[reference.model] > 1:
            raise ValueError(
                f"{reference}: needed to be the only one of {reference.model}, whose requests it "
                "is to answer"
            )
    if len(set(references)) < len(references):
        raise ValueError("needed each at most once")
