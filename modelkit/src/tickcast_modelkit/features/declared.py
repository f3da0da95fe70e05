"""Feature sets that users declare in a Python file of their own, or by their specification.

A file declares a set by holding a ``FeatureSet`` in a variable. Its functions are modelkit's, or
are defined in the file; the id of a set then digests the file as well, so that equal ids go on to
mean equal numbers.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from tickcast_modelkit.errors import InvalidFeatureFile, UnknownFeatureFunction
from tickcast_modelkit.features.catalog import feature_sets
from tickcast_modelkit.features.feature_set import Feature, FeatureSet
from tickcast_modelkit.features.functions import FUNCTIONS
from tickcast_modelkit.features.specification import FeatureSetSpecification


def load_feature_file(path: Path) -> Mapping[str, FeatureSet]:
    """Run a Python file and return the feature sets that it declares, by their ids.

    The file is code: load only what you would run. Raises InvalidFeatureFile.
    """
    try:
        code = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InvalidFeatureFile(path, f"was not readable ({error.strerror})") from error
    module = _run(path, f"tickcast_features_{code[:16]}")
    declared = [value for value in vars(module).values() if isinstance(value, FeatureSet)]
    sets = [_with_code(found, module, path, code) for found in declared if not _is_ours(found)]
    if not sets:
        raise InvalidFeatureFile(path, "declared no FeatureSet, needed one in a variable")
    names = [found.name for found in sets]
    if len(set(names)) < len(names):
        raise InvalidFeatureFile(path, f"declared {', '.join(names)}, needed unique names")
    return {found.id: found for found in sets}


def reload_declared(path: Path, specification: FeatureSetSpecification) -> FeatureSet:
    """Return the set of a specification out of a file; how a declared set crosses processes.

    Raises InvalidFeatureFile when the file no longer declares its features.
    """
    section = specification.cross_section
    for found in load_feature_file(path).values():
        made = replace(
            found,
            ranks=section.ranks if section else (),
            universe=section.universe if section else (),
            minimum_share=section.minimum_share if section else found.minimum_share,
        )
        if made.id == specification.id:
            return made
    raise InvalidFeatureFile(path, f"declared no {specification.id}, needed it: it changed")


def find_feature_set(
    identity: str, specification: FeatureSetSpecification, known: Mapping[str, FeatureSet]
) -> FeatureSet:
    """Return the set of that id: one that is known, or else one made by its specification.

    A known set that ranks among nobody yet is bound to the universe of the specification. Raises
    UnknownFeatureFunction when neither is possible.
    """
    if identity in known:
        return known[identity]
    made = _bound(specification, known) or from_specification(specification)
    if made.id != identity:
        raise UnknownFeatureFunction(
            f"feature set: was {identity}, needed {made.id}, as its specification says"
        )
    return made


def from_specification(specification: FeatureSetSpecification) -> FeatureSet:
    """Return the set of a specification, when all of its functions are modelkit's.

    Raises UnknownFeatureFunction for a function or revision that this version does not have.
    """
    if specification.code:
        raise UnknownFeatureFunction(
            f"feature set {specification.name}: was computed by functions of a file with SHA-256 "
            f"{specification.code}, needed that file, as TICKCAST_FEATURES or --features names it"
        )
    for item in specification.features:
        if item.function not in FUNCTIONS or item.revision != 1:
            raise UnknownFeatureFunction(
                f"feature {item.name}: was {item.function} revision {item.revision}, "
                "needed a function that this version has"
            )
    section = specification.cross_section
    made = FeatureSet(
        name=specification.name,
        window=specification.window,
        minimum_bars=specification.minimum_bars,
        features=tuple(
            Feature(item.name, FUNCTIONS[item.function], item.parameters)
            for item in specification.features
        ),
    )
    if section is None:
        return made
    return replace(
        made,
        ranks=section.ranks,
        universe=section.universe,
        minimum_share=section.minimum_share,
    )


def _bound(
    specification: FeatureSetSpecification, known: Mapping[str, FeatureSet]
) -> FeatureSet | None:
    section = specification.cross_section
    if section is None:
        return None
    unbound = replace(specification, cross_section=replace(section, universe=()))
    declared = known.get(unbound.id)
    return declared.bound_to(section.universe) if declared else None


def _run(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidFeatureFile(path, "was no Python file, needed a name that ends with .py")
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses and pickle look a class or a function of the file up.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InvalidFeatureFile(path, f"failed with {type(error).__name__}: {error}") from error
    return module


def _is_ours(found: FeatureSet) -> bool:
    """Whether a set was imported from modelkit, to be extended, and not declared."""
    return any(found is known for known in feature_sets().values())


def _with_code(found: FeatureSet, module: ModuleType, path: Path, code: str) -> FeatureSet:
    own = False
    for feature in found.features:
        function = feature.function
        if FUNCTIONS.get(feature.function_name) is function:
            continue
        if getattr(function, "__module__", None) != module.__name__:
            raise InvalidFeatureFile(
                path,
                f"feature {feature.name} was computed by {function!r}, needed a function of "
                "tickcast_modelkit.features or one that is defined in the file itself",
            )
        own = True
    return replace(found, code=code, file=path.absolute()) if own else found
