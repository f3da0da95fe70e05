"""The report as one page of HTML, which refers to nothing outside itself."""

from importlib.resources import files

from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.markup import tag, to_html
from tickcast_trainer.reporting.sections.calibration import calibration_section
from tickcast_trainer.reporting.sections.course import course_section
from tickcast_trainer.reporting.sections.data import data_section
from tickcast_trainer.reporting.sections.direction import direction_section
from tickcast_trainer.reporting.sections.equity import equity_section
from tickcast_trainer.reporting.sections.folds import folds_section
from tickcast_trainer.reporting.sections.importance import importance_section
from tickcast_trainer.reporting.sections.intervals import intervals_section
from tickcast_trainer.reporting.sections.making import making_section
from tickcast_trainer.reporting.sections.skill import skill_section
from tickcast_trainer.reporting.sections.soundness import soundness_sections
from tickcast_trainer.reporting.sections.top import top


def render(report: Report) -> str:
    """Return the page of a report; every figure on it is one of the report's."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{report.model.name} version {report.model.version}: training report"),
        tag("style", style),
    )
    main = tag(
        "main",
        top(report),
        skill_section(report),
        course_section(report),
        folds_section(report),
        calibration_section(report),
        direction_section(report),
        intervals_section(report),
        equity_section(report),
        importance_section(report),
        *soundness_sections(report),
        data_section(report),
        making_section(report),
    )
    return "<!DOCTYPE html>\n" + to_html(tag("html", head, tag("body", main), lang="en")) + "\n"
