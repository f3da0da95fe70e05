"""What is found of the machine that the program runs on."""

from __future__ import annotations

from importlib.metadata import PathDistribution
from pathlib import Path

from tickcast.cli.doctor.finding import State
from tickcast.cli.doctor.libraries import compare
from tickcast.cli.doctor.variables import check


def installed(folder: Path, *metadata: str) -> PathDistribution:
    (folder / "METADATA").write_text("\n".join(["Name: desk", "Version: 1.0", *metadata, "", ""]))
    return PathDistribution(folder)


def test_what_is_missing_or_of_another_release_is_a_problem(tmp_path: Path) -> None:
    desk = installed(
        tmp_path,
        "Requires-Dist: no-such-library>=2",
        "Requires-Dist: grpcio<1",
        "Requires-Dist: protobuf>=6",
        "Requires-Dist: never-asked; extra == 'other'",
    )
    missing, other = compare(desk, extra="")
    assert missing.state is other.state is State.PROBLEM
    assert missing.says == "no-such-library is not installed, desk needs >=2"
    assert missing.do == "pip install 'no-such-library>=2'"
    assert other.says.startswith("grpcio is 1.")


def test_an_extra_that_is_used_is_required(tmp_path: Path) -> None:
    desk = installed(tmp_path, "Requires-Dist: no-such-library; extra == 'cli'")
    (missing,) = compare(desk, extra="cli")
    assert missing.says == "no-such-library is not installed, desk needs it"
    assert missing.do == "pip install 'no-such-library'"


def test_another_python_is_a_problem(tmp_path: Path) -> None:
    (old,) = (
        finding
        for finding in compare(installed(tmp_path, "Requires-Python: <3"), extra="")
        if finding.state is State.PROBLEM
    )
    assert "desk needs <3" in old.says


def test_what_fits_is_well(tmp_path: Path) -> None:
    (well,) = compare(installed(tmp_path, "Requires-Dist: grpcio>=1"), extra="")
    assert well.state is State.OK


def test_a_variable_that_nobody_reads_is_told_what_it_may_have_meant() -> None:
    known = {"TICKCAST_TARGET", "TICKCAST_CLIENT_TLS_CA"}
    (wrong,) = check({"TICKCAST_CLIENT_TLS_AC": "x", "TICKCAST_CLIENT_TLS_CA": "x"}, known)
    assert wrong.says == "TICKCAST_CLIENT_TLS_AC is read by nobody"
    assert wrong.do == "rename it to TICKCAST_CLIENT_TLS_CA"
    assert not list(check({"TICKCAST_ADDRESS": "x", "HOME": "/"}, known))
