"""Page and JSON are written both or not at all, where no server takes them for a version."""

from pathlib import Path

import pytest
from tickcast_modelkit.durable_files import replace_durably
from tickcast_modelkit.package import PackagePath, list_models, list_versions
from tickcast_trainer.errors import RepositoryNotWritable
from tickcast_trainer.pipeline import TrainingRun
from tickcast_trainer.reporting import publish
from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.publish import publish_report


@pytest.fixture
def package(tmp_path: Path) -> PackagePath:
    path = PackagePath(repository=tmp_path, name="small-ridge", version=3)
    path.folder.mkdir(parents=True)
    return path


def test_a_report_lies_beside_the_versions_and_tells_which_is_its_own(
    report: Report, package: PackagePath
) -> None:
    page = publish_report(report, package, "challenger")
    assert page == package.repository / "small-ridge" / "reports" / "3.html"
    stored = Report.model_validate_json(page.with_suffix(".json").read_bytes())
    assert (stored.model.version, stored.model.alias) == (3, "challenger")
    assert "small-ridge version 3" in page.read_text(encoding="utf-8")
    assert any("version 3" in worry.sentence for worry in stored.worries)


def test_servers_that_look_for_versions_do_not_see_reports(run: TrainingRun) -> None:
    repository = run.packages[0].path.repository
    assert run.reports[0].is_file()
    assert list_models(repository) == ["small-elastic-net", "small-ridge"]
    assert list_versions(repository, "small-ridge") == [1]
    inside = {file.name for file in run.packages[0].path.folder.iterdir()}
    assert inside == {"manifest.json", "model.onnx", "golden.npz"}


@pytest.mark.parametrize("fails_at", [1, 2])
def test_when_one_cannot_be_written_neither_is_there(
    report: Report, package: PackagePath, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    written: list[Path] = []

    def full_disk(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == fails_at:
            raise OSError(28, "No space left on device")
        replace_durably(path, content)

    monkeypatch.setattr(publish, "replace_durably", full_disk)
    with pytest.raises(RepositoryNotWritable, match="No space left on device"):
        publish_report(report, package, "champion")
    assert list((package.repository / "small-ridge" / "reports").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_with_what_is_in_place(
    report: Report, package: PackagePath
) -> None:
    (package.folder.parent / "reports").write_text("a file")
    with pytest.raises(RepositoryNotWritable, match="version 3, which is in place"):
        publish_report(report, package, "champion")
