"""Lays out the source of the documentation site.

usage: python -m scripts.docs_pages FOLDER

The folder mirrors the checkout, so that a link that works in the checkout works on the site. Pages
are symbolic links, so that what is edited is seen at once; the reference is generated beside them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.docs_pages import commands, contract, python_api, settings

ROOT = Path(__file__).parents[2]
REFERENCE = Path("docs/reference")

# What pages link to beside other pages.
PAGES_AND_EXAMPLES = ("*.md", "examples/*")


def main() -> None:
    (target,) = map(Path, sys.argv[1:])
    shutil.rmtree(target, ignore_errors=True)
    for file in tracked(*PAGES_AND_EXAMPLES):
        place = target / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(ROOT / file)
    reference = target / REFERENCE
    reference.mkdir(parents=True)
    for name, text in {
        "contract": contract.page(ROOT / "proto"),
        "commands": commands.page(),
        "settings": settings.page(),
        "python_sdk": python_api.SDK,
        "python_features": python_api.FEATURES,
    }.items():
        (reference / f"{name}.md").write_text(text)


def tracked(*patterns: str) -> list[Path]:
    """Files of the checkout that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for path in map(Path, listed.stdout.splitlines()) if (ROOT / path).is_file()]


if __name__ == "__main__":
    main()
