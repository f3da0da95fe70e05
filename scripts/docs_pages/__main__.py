"""Lays out the source of the documentation site.

usage: python -m scripts.docs_pages FOLDER

The folder mirrors the checkout, so that a link that works in the checkout works on the site. Pages
are symbolic links to those of the checkout; the reference is generated beside them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from scripts.docs_pages import commands, contract, python_api, settings

ROOT = Path(__file__).parents[2]
REFERENCE = Path("docs/reference")
STYLE = Path(__file__).with_name("site.css")

# The pages, and what they link to beside each other.
PAGES = (
    *("*.md", "docs/**/*.md", "docs/images/*", "clients/*/README.md", "proto/README.md"),
    *("benchmarks/**/README.md", "examples/*.*"),
)


def main() -> None:
    (target,) = map(Path, sys.argv[1:])
    shutil.rmtree(target, ignore_errors=True)
    for pattern in PAGES:
        for file in ROOT.glob(pattern):
            place = target / file.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file)
    (target / STYLE.name).symlink_to(STYLE)
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


if __name__ == "__main__":
    main()
