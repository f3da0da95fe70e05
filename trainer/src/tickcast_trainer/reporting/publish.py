"""A report onto the disk, beside the versions of its model.

::

    <repository>/<name>/3/                    the package
    <repository>/<name>/reports/3.html        its report
    <repository>/<name>/reports/3.json        the same figures

Not inside the package: servers watch its folder, and load it again when a file in it changes. In
the folder of the model they look for versions alone, which are named by numbers.
"""

from pathlib import Path

from tickcast_modelkit.durable_files import replace_durably, sync_folder
from tickcast_modelkit.package import PackagePath

from tickcast_trainer.errors import RepositoryNotWritable
from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.page import render
from tickcast_trainer.reporting.worries import worries_of

FOLDER = "reports"


def publish_report(report: Report, package: PackagePath, alias: str) -> Path:
    """Write a report as page and as JSON, both or neither, and return the path of the page.

    Raises RepositoryNotWritable.
    """
    finished = finish(report, version=package.version, alias=alias)
    page, json = render(finished), finished.model_dump_json(indent=1) + "\n"
    folder = package.folder.parent / FOLDER
    files = {
        folder / f"{package.version}.json": json.encode(),
        folder / f"{package.version}.html": page.encode(),
    }
    try:
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
        _write(files)
    except OSError as error:
        raise RepositoryNotWritable(
            f"{folder}: could not be written ({error}), needed for the report of "
            f"{package.name} version {package.version}, which is in place; --no-report writes none"
        ) from error
    return folder / f"{package.version}.html"


def finish(report: Report, *, version: int, alias: str) -> Report:
    """Return the report of a package that is written, with all worries."""
    model = report.model.model_copy(update={"version": version, "alias": alias})
    named = report.model_copy(update={"model": model})
    return named.model_copy(update={"worries": worries_of(named)})


def _write(files: dict[Path, bytes]) -> None:
    try:
        for path, content in files.items():
            replace_durably(path, content)
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        raise
