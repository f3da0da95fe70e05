"""Runs a benchmark by its name, or the whole serving suite.

python -m benchmarks [NAME] [OPTION ...]
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
SUITE = "serving"


def main(argv: Sequence[str]) -> int:
    """Returns the exit code, 2 for a name that is none."""
    name, *rest = argv or [SUITE]
    if name.startswith("-"):
        name, rest = SUITE, list(argv)
    module = module_of(name)
    if module is None:
        print(f"BENCH: was {name}, needed one of {', '.join(known())}", file=sys.stderr)
        return 2
    sys.argv = [name, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def module_of(name: str) -> str | None:
    """The module of a benchmark; None when there is none of this name."""
    if name not in known():
        return None
    places = (f"benchmarks.{SUITE}.{name}", f"benchmarks.{name}.run")
    return next(place for place in places if find_spec(place) is not None)


def known() -> list[str]:
    """Names of all benchmarks."""
    folders = (path.parent.name for path in HERE.glob("*/run.py"))
    modules = (path.stem for path in HERE.glob(f"{SUITE}/*.py"))
    return sorted({*folders, *modules} - {"run"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
