"""The record of decisions: ``<repository>/<name>/decisions.jsonl``, one for each line, in order."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from tickcast_modelkit.durable_files import exclusive, sync_folder

from tickcast_trainer.promotion.errors import PromotionError

DECISIONS_FILE = "decisions.jsonl"

_LOCK_FILE = ".decisions.lock"

Outcome = Literal["promoted", "refused", "forced", "rolled back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided of a model's champion, when, and on which figures."""

    at: str
    """When, RFC 3339."""

    outcome: Outcome
    candidate: int
    """Version that was to be champion."""

    champion: int | None
    """Version that was champion before; None when there was none."""

    reason: str
    """One sentence."""

    figures: Mapping[str, Any] = field(default_factory=dict)
    """Window, costs, gate, and the evidence of both; JSON values."""

    @property
    def moved(self) -> bool:
        """Whether the alias moved."""
        return self.outcome != "refused"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read one line. Raises ValueError or TypeError for what is no decision."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return one line."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)


def record(repository: Path, name: str, decision: Decision) -> None:
    """Append a decision and bring it to the disk."""
    folder = repository / name
    with exclusive(folder / _LOCK_FILE):
        with (folder / DECISIONS_FILE).open("a", encoding="utf-8") as file:
            file.write(decision.to_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(folder)


def read_decisions(repository: Path, name: str) -> list[Decision]:
    """Return the decisions on a model, oldest first; none when there is no record.

    Raises PromotionError, naming the line that cannot be read.
    """
    path = repository / name / DECISIONS_FILE
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(Decision.from_json(line))
        except (ValueError, TypeError) as error:
            raise PromotionError(
                f"{path}, line {number}: was {line[:80]!r}, needed a decision: remove the line"
            ) from error
    return found
