"""What the report comes to: the verdict first, then what to worry about."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.document import Report, Worry
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.tables import day

_LEVELS = {"grave": "Grave", "caution": "Caution"}


def top(report: Report) -> Element:
    """Return the head of the page: name, verdict, what it is, worries."""
    model, data = report.model, report.data
    return tag(
        "header",
        tag("h1", f"{model.name} version {model.version}"),
        _verdict(report),
        tag(
            "p",
            f"{model.estimator}, {model.alias}: {model.timeframe} bars of "
            f"{len(data.symbols)} symbols from ",
            day(data.start),
            " to ",
            day(data.end),
            f", {model.horizon} ahead; ",
            figure(data.tested_rows, ","),
            f" rows tested in {len(report.folds)} folds, none of them trained on. "
            f"Made {report.created_at}.",
            class_="what",
        ),
        _worries(report.worries),
    )


def _verdict(report: Report) -> Element:
    # In a few words first: the sentences of a suspect begin with how well it did.
    if report.leaks.is_suspect:
        standing, tone = "Suspect of a leak.", "bad"
    elif not report.skill.beats_baselines:
        standing, tone = "Does not beat the baselines.", "bad"
    else:
        standing, tone = "Beats the baselines.", "good"
    return tag("p", tag("strong", standing), " ", report.verdict, class_=f"verdict {tone}")


def _worries(worries: tuple[Worry, ...]) -> Element:
    if not worries:
        said = tag(
            "p",
            "None of the ways in which models are known to disappoint shows in these figures. "
            "That is no proof of the opposite.",
        )
    else:
        said = tag(
            "ul",
            *(
                tag("li", tag("strong", _LEVELS[one.level]), " ", one.sentence, class_=one.level)
                for one in worries
            ),
            class_="worries",
        )
    heading = tag("h2", "What to worry about", id="worries")
    note = tag("p", "Ranges in brackets are 95% intervals, here and below.", class_="note")
    return tag("section", heading, said, note, aria_labelledby="worries")
