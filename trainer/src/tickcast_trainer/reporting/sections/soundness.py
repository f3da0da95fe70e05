"""Whether the figures can be trusted: leaks, and the graph that is served."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import table


def soundness_sections(report: Report) -> list[Element]:
    """Return what the checks for leaks found, and how exact the graph is."""
    leaks, parity = report.leaks, report.parity
    return [
        section(
            "leaks",
            "Leaks",
            tag("p", leaks.verdict[:1].upper() + leaks.verdict[1:] + "."),
            table(
                "Checks for leaks",
                ("check", "found", "what it says"),
                [
                    [one.check, "suspect" if one.is_suspect else "nothing", one.sentence]
                    for one in leaks.findings
                ],
            ),
        ),
        section(
            "parity",
            "The graph that is served",
            tag(
                "p",
                "On ",
                figure(parity.rows, ","),
                " rows the ONNX graph differs from the fitted model by ",
                figure(parity.maximum_difference, ".1e"),
                " of log return at most and by ",
                figure(parity.median_difference, ".1e"),
                " in the middle, where ",
                figure(parity.limit, ".1e"),
                " is allowed.",
            ),
        ),
    ]
