"""The feature set of a run: one of modelkit's, or one that the user's own file declares."""

from pathlib import Path

from tickcast_modelkit.checks import check_feature_set
from tickcast_modelkit.errors import FailedCheck
from tickcast_modelkit.features import CORE, FeatureSet, feature_sets, load_feature_file

from tickcast_trainer.errors import InvalidSettings


def choose_feature_set(file: Path | None, name: str) -> FeatureSet:
    """Return the set of that name; without one, the only set of the file, or core.

    A set of the user's own is checked first: it must not see the future, among other promises.
    Raises InvalidSettings, and InvalidFeatureFile for a file that declares none.
    """
    declared = [] if file is None else list(load_feature_file(file).values())
    known = declared if file is not None else list(feature_sets().values())
    if not name:
        if file is None:
            return CORE
        if len(known) == 1:
            return _checked(known[0])
    found = [one for one in known if one.name == name]
    if len(found) != 1:
        raise InvalidSettings(
            f"feature_set: was {name!r}, needed one of {', '.join(one.name for one in known)}"
        )
    return found[0] if file is None else _checked(found[0])


def _checked(feature_set: FeatureSet) -> FeatureSet:
    try:
        check_feature_set(feature_set)
    except FailedCheck as error:
        raise InvalidSettings(
            f"feature_set: {feature_set.name} breaks the promise {error}; "
            "needed a set that keeps all of them (docs/training.md)"
        ) from error
    except Exception as error:
        raise InvalidSettings(
            f"feature_set: {feature_set.name} failed with {type(error).__name__}: {error}"
        ) from error
    return feature_set
