"""Scores beside the baselines'."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.document import Report, Score
from tickcast_trainer.reporting.markup import tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import Cell, estimate, optional, p_value, table


def skill_section(report: Report) -> Element:
    """Return the table of all forecasts on the same rows."""
    skill = report.skill
    rows: list[list[Cell]] = [_row(score) for score in skill.scores]
    if skill.always_up:
        up = estimate(skill.always_up, ".1%")
        rows.append(["always up", "baseline", None, None, None, up, None, None, None])
    return section(
        "skill",
        "Beside the baselines",
        tag(
            "p",
            "It saves ",
            estimate(skill.saved, ".2%"),
            f" of the squared error of {skill.best_baseline}, the best baseline.",
        ),
        table(
            "Scores on the test rows of all folds, with 95% intervals",
            (
                "forecast",
                "role",
                "RMSE",
                "R2 against zero",
                "IC",
                "direction",
                "coverage",
                "p",
                "p, Holm",
            ),
            rows,
        ),
        tag(
            "p",
            "RMSE is of the log return. IC is the rank correlation of forecast and outcome. "
            "Direction is the share of moves whose sign was forecast; compare it with always up, "
            f"not with 50%. p says how often chance alone leads {skill.best_baseline} by as much; "
            "after Holm, what is left of that when all models of the run are counted. Intervals "
            "allow for symbols that move together and targets that overlap.",
            class_="note",
        ),
    )


def _row(score: Score) -> list[Cell]:
    return [
        score.name,
        score.role,
        estimate(score.rmse, "#.5g%"),
        estimate(score.r2, ".2%"),
        optional(score.information_coefficient, ".3f"),
        estimate(score.direction, ".1%"),
        optional(score.coverage, ".1%"),
        p_value(score.p_value),
        p_value(score.holm_p_value),
    ]
