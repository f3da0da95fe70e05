"""A feature set: named pure functions of a window of bars, and the id that binds models to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.errors import InvalidArray
from tickcast_modelkit.features.columns import BarColumns
from tickcast_modelkit.features.specification import (
    FeatureSetSpecification,
    FeatureSpecification,
)
from tickcast_modelkit.features.windows import Windows

FeatureFunction = Callable[..., NDArray[np.float64]]
"""``function(columns, **parameters)``: n windows to n values, shape (n,), float64."""

_ID_DIGITS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """One element of a feature vector."""

    name: str
    """Unique in its set, such as ``return_5``."""

    function: FeatureFunction
    """A pure function of the columns, one value for each window."""

    parameters: Mapping[str, int | float] = field(default_factory=dict)
    """Keyword arguments of the function."""

    revision: int = 1
    """Raised when the function computes other numbers than before under the same name."""

    @property
    def function_name(self) -> str:
        """Name under which the specification knows the function."""
        return self.function.__name__


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureSet:
    """A pure function of the last W closed bars, (n, W, 5) float64 to (n, F) float32.

    Trainer and server call the same object, so that training and serving cannot differ.
    """

    name: str
    """Name of the set, such as ``core``."""

    window: int
    """W: bars in a window."""

    minimum_bars: int
    """Fewest bars of a symbol; a younger window is filled on the left (see Windows)."""

    features: tuple[Feature, ...]
    """In the order of the vector."""

    code: str = ""
    """Digest of the file that brought functions of its own; empty when all are modelkit's."""

    file: Path | None = None
    """That file; None when all functions are modelkit's."""

    def __post_init__(self) -> None:
        if not 0 < self.minimum_bars <= self.window:
            raise ValueError(f"minimum_bars: was {self.minimum_bars}, needed 1 to {self.window}")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"features: was {', '.join(self.names)}, needed unique names")

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if self.file is None:
            return super().__reduce_ex__(protocol)
        # Another process finds the functions of a user's file nowhere else.
        from tickcast_modelkit.features.declared import reload_declared

        return reload_declared, (self.file, self.id)

    @cached_property
    def id(self) -> str:
        """Name and digest of the specification: equal ids compute equal features."""
        specification = asdict(self.specification())
        if not self.code:
            # As ids were before sets could bring code.
            del specification["code"]
        text = json.dumps(specification, sort_keys=True, separators=(",", ":"))
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]}"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the vector."""
        return tuple(feature.name for feature in self.features)

    def specification(self) -> FeatureSetSpecification:
        """Return what the id digests: modelkit's source text may be reformatted."""
        return FeatureSetSpecification(
            name=self.name,
            window=self.window,
            minimum_bars=self.minimum_bars,
            code=self.code,
            features=tuple(
                FeatureSpecification(
                    name=feature.name,
                    function=feature.function_name,
                    parameters=dict(feature.parameters),
                    revision=feature.revision,
                )
                for feature in self.features
            ),
        )

    def compute(self, windows: Windows) -> NDArray[np.float32]:
        """Return the features of each window, shape (n, F), in the order of ``names``.

        Pure, and bit-identical for one window and for many. The bars must be valid (see
        ``find_bar_problems``); the result is then finite. Working memory is a few times that of the
        windows: pass many in chunks, as ``sliding_windows`` makes them. Raises InvalidArray when
        the windows are not W bars long.
        """
        if windows.ohlcv.shape[1] != self.window:
            raise InvalidArray(
                "windows", was=f"{windows.ohlcv.shape[1]} bars", needed=f"{self.window} bars"
            )
        columns = BarColumns(windows)
        result = np.empty((len(windows), len(self.features)), dtype=np.float32)
        for index, feature in enumerate(self.features):
            result[:, index] = feature.function(columns, **feature.parameters)
        return result
