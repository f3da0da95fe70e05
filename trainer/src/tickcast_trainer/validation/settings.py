"""Settings of the validation; here, as ``--help`` must not load what they lead to."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from tickcast_trainer.configuration import Section

SplitName = Literal["expanding", "rolling"]


class SearchSettings(Section):
    """Whether and how long parameters are searched for, inside each fold's training rows."""

    trials: int = Field(
        default=0, ge=0, le=10_000, description="most trials of each search; 0 searches nothing"
    )
    seconds: float | None = Field(
        default=None, gt=0, description="most seconds of each search; results then vary"
    )
    file: Path | None = Field(
        default=None, description="SQLite file that an interrupted search goes on from"
    )
