"""A feature set: named pure functions of a window of bars, and the id that binds models to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.errors import InvalidArray
from tickcast_modelkit.features.columns import BarColumns
from tickcast_modelkit.features.cross_section import DEFAULT_MINIMUM_SHARE, Rank, rank_each
from tickcast_modelkit.features.specification import (
    CrossSectionSpecification,
    FeatureSetSpecification,
    FeatureSpecification,
)
from tickcast_modelkit.features.windows import Windows

FeatureFunction = Callable[..., NDArray[np.float64]]
"""``function(columns, **parameters)``: n windows to n values, shape (n,), float64."""


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

    Trainer and server call the same object, so that training and serving cannot differ. A set with
    ranks is one of the last W bars of every symbol of its universe: ``compute`` gives the own
    features (n, B) of each symbol, ``complete`` puts those of a cross-section beside each other.
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

    ranks: tuple[Rank, ...] = ()
    """Places of features among the universe, behind the features in the vector."""

    universe: tuple[str, ...] = ()
    """Symbols that are ranked among each other, in order; empty until training binds them."""

    minimum_share: float = DEFAULT_MINIMUM_SHARE
    """Share of the expected symbols that must have a row for any to be ranked; for ranks only."""

    def __post_init__(self) -> None:
        if not 0 < self.minimum_bars <= self.window:
            raise ValueError(f"minimum_bars: was {self.minimum_bars}, needed 1 to {self.window}")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"features: was {', '.join(self.names)}, needed unique names")
        own = {feature.name for feature in self.features}
        for rank in self.ranks:
            if rank.of not in own:
                raise ValueError(
                    f"{rank.name}.of: was {rank.of!r}, needed one of {', '.join(sorted(own))}"
                )
        if self.universe and not self.ranks:
            raise ValueError(f"universe: was of {len(self.universe)} symbols, needed ranks as well")
        if list(self.universe) != sorted(set(self.universe)):
            raise ValueError(f"universe: was {', '.join(self.universe)}, needed each once, sorted")
        if not 0.0 < self.minimum_share <= 1.0:
            raise ValueError(f"minimum_share: was {self.minimum_share}, needed above 0, at most 1")

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if self.file is None:
            return super().__reduce_ex__(protocol)
        # Another process finds the functions of a user's file nowhere else.
        from tickcast_modelkit.features.declared import reload_declared

        return reload_declared, (self.file, self.specification())

    @cached_property
    def id(self) -> str:
        """Name and digest of the specification: equal ids compute equal features."""
        return self.specification().id

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the vector."""
        return (*(item.name for item in self.features), *(rank.name for rank in self.ranks))

    @cached_property
    def own(self) -> FeatureSet:
        """The set of what one symbol's bars tell by themselves: this one, when it has no ranks."""
        return replace(self, ranks=(), universe=()) if self.ranks else self

    @cached_property
    def ranked(self) -> NDArray[np.intp]:
        """Which of the own features each rank is of, shape (R,)."""
        places = {feature.name: place for place, feature in enumerate(self.features)}
        return np.array([places[rank.of] for rank in self.ranks], dtype=np.intp)

    @cached_property
    def members(self) -> frozenset[str]:
        """The symbols of the universe, to be looked up."""
        return frozenset(self.universe)

    @property
    def is_unbound(self) -> bool:
        """Whether it ranks, and does not say among whom: no symbol can be served then."""
        return bool(self.ranks) and not self.universe

    def bound_to(self, symbols: Iterable[str]) -> FeatureSet:
        """Return the set that ranks among these symbols, under an id of its own.

        One that names its universe already, or that has no ranks, is returned as it is.
        """
        return replace(self, universe=tuple(sorted(set(symbols)))) if self.is_unbound else self

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
            cross_section=CrossSectionSpecification(
                ranks=self.ranks, universe=self.universe, minimum_share=self.minimum_share
            )
            if self.ranks
            else None,
        )

    def compute(self, windows: Windows) -> NDArray[np.float32]:
        """Return the own features of each window, shape (n, B), in the order of ``names``.

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

    def complete(self, own: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return own features (n, B) with their ranks behind them, shape (n, F).

        The rows are one cross-section: those of every symbol of the universe that has ``compute``d
        a row at one as-of time.
        """
        section = np.zeros(len(own), dtype=np.int64)
        ranks = [rank_each(section, own[:, place]) for place in self.ranked]
        return np.column_stack([own, *ranks]) if ranks else own
