"""Answers of remote sources on disk, so that an import that stopped does not ask twice.

Written here instead of with an HTTP cache: those keep requests as they were sent, keys included,
believe headers of vendors that forbid all caching, and know no answer that is an error under status
200. Here an answer is kept once it has been understood, under a digest of what was asked without
any key.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tickcast_modelkit.durable_files import replace_durably


class AnswerCache:
    """The answers of one source; those older than ``max_age_seconds`` count for nothing."""

    def __init__(self, folder: Path, *, max_age_seconds: float, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._max_age = max_age_seconds
        self._clock = clock
        for path in folder.glob("*.json"):
            if not self._is_fresh(path):
                path.unlink(missing_ok=True)

    def get(self, question: Mapping[str, str]) -> bytes | None:
        """Return the answer to a question, or None for none that counts."""
        path = self._path(question)
        return path.read_bytes() if path.exists() and self._is_fresh(path) else None

    def put(self, question: Mapping[str, str], answer: bytes) -> None:
        """Keep an answer."""
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_durably(self._path(question), answer)

    def _path(self, question: Mapping[str, str]) -> Path:
        text = json.dumps(dict(question), sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def _is_fresh(self, path: Path) -> bool:
        return self._clock() - path.stat().st_mtime < self._max_age
