"""The page stands alone, can be read by everyone, and says what the JSON says."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from tickcast_trainer.pipeline import TrainingRun
from tickcast_trainer.reporting.document import Direction, DirectionGroup, Estimate, Report
from tickcast_trainer.reporting.page import render

VOID = {"meta", "br", "hr", "img", "input", "link"}
REFERRING = {"href", "src", "srcset", "xlink:href", "action", "poster", "background", "style"}


class Page(HTMLParser):
    """A page as a tree of tags, strict about what is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}"
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} is closed and was never opened"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.open), data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.tags if name == tag]

    def text_of(self, *ancestors: str) -> list[str]:
        return [text for path, text in self.texts if set(ancestors) <= set(path)]


@pytest.fixture(scope="module")
def parsed(page: str) -> Page:
    return Page(page)


def numbers_in(value: Any) -> set[float]:
    """Every number in a JSON document."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return set()
    if isinstance(value, int | float):
        return {float(value)}
    parts = value.values() if isinstance(value, dict) else value
    return set().union(*(numbers_in(part) for part in parts))


def test_everything_that_is_opened_is_closed(parsed: Page) -> None:
    assert parsed.open == []
    assert [tag for tag, _, path in parsed.tags if not path] == ["html"]


def test_the_page_refers_to_nothing_outside_itself(page: str, parsed: Page) -> None:
    used = {name for _, attributes, _ in parsed.tags for name in attributes}
    assert not used & REFERRING
    tags = {tag for tag, _, _ in parsed.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "image", "use", "base"}
    style = "".join(parsed.text_of("style"))
    assert style
    assert not re.search(r"url\(|@import|https?:", style)
    assert "//" not in page.replace("<!DOCTYPE html>", "")


def test_light_and_dark_and_print_are_styled(parsed: Page) -> None:
    style = "".join(parsed.text_of("style"))
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


def test_every_chart_has_a_title_and_a_description_with_figures(parsed: Page) -> None:
    charts = parsed.all("svg")
    assert len(charts) == 9
    ids = {attributes["id"] for _, attributes, _ in parsed.tags if "id" in attributes}
    for chart in charts:
        assert chart["role"] == "img"
        assert {chart["aria-labelledby"], chart["aria-describedby"]} <= ids
    descriptions = parsed.text_of("svg", "desc")
    assert len(descriptions) == len(charts)
    assert all(re.search(r"\d", text) and len(text) > 40 for text in descriptions)


def test_ids_are_there_once(parsed: Page) -> None:
    ids = [attributes["id"] for _, attributes, _ in parsed.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)


def test_headings_descend_by_one(parsed: Page) -> None:
    levels = [int(tag[1]) for tag, _, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels[1:]) == {2}


def test_every_table_has_a_caption_and_named_rows_and_columns(parsed: Page) -> None:
    tables = parsed.all("table")
    assert len(tables) > 10
    assert len(parsed.all("caption")) == len(tables)
    assert {attributes.get("scope") for attributes in parsed.all("th")} == {"col", "row"}


def test_series_of_a_chart_differ_by_more_than_colour(parsed: Page) -> None:
    marks = {
        (attributes.get("class"), tag)
        for tag, attributes, path in parsed.tags
        if "svg" in path and (attributes.get("class") or "").startswith("mark")
    }
    assert marks == {("mark s0", "circle"), ("mark s1", "rect")}
    assert ".curve.s1 { stroke-dasharray" in "".join(parsed.text_of("style"))


def test_every_figure_on_the_page_is_one_of_the_json(parsed: Page, report: Report) -> None:
    shown = [float(attributes["value"] or "nan") for attributes in parsed.all("data")]
    assert len(shown) > 200
    assert set(shown) <= numbers_in(report.model_dump(mode="json"))


def test_verdict_and_worries_of_the_json_stand_at_the_top(page: str, report: Report) -> None:
    texts = [report.verdict, *(worry.sentence for worry in report.worries)]
    places = [page.index(text.replace("&", "&amp;")) for text in texts]
    assert places == sorted(places)
    assert places[-1] < page.index("<svg")


def test_every_score_of_the_json_is_on_the_page(page: str, report: Report) -> None:
    for score in report.skill.scores:
        assert f">{100 * score.rmse.value:#.5g}%<" in page
        assert repr(score.r2.high) in page


def test_the_page_is_made_of_the_json_alone(run: TrainingRun) -> None:
    for path in run.reports:
        stored = Report.model_validate_json(path.with_suffix(".json").read_bytes())
        assert render(stored) == path.read_text(encoding="utf-8")


def test_what_users_named_is_shown_as_text(report: Report) -> None:
    hostile = report.model_copy(update={"settings": {"path": "<script>alert(1)</script>"}})
    page = render(hostile)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_report_without_intervals_or_calibration_is_a_page_as_well(report: Report) -> None:
    bare = report.model_copy(update={"intervals": None, "calibration": None, "worries": ()})
    parsed = Page(render(bare))
    assert len(parsed.all("svg")) == 6
    assert any("too short" in text for text in parsed.text_of("p"))
    assert any("no proof of the opposite" in text for text in parsed.text_of("p"))


def test_every_kind_of_interval_has_its_score(page: str, report: Report) -> None:
    assert report.intervals is not None
    assert "20 times how far an outcome lies outside" in page
    for one in report.intervals.held.values():
        assert one.median_width is not None
        assert one.score is not None
        assert one.score > one.median_width
        assert f">{100 * one.score:.2f}%<" in page


def test_probabilities_of_a_rise_stand_beside_the_base_rate(report: Report) -> None:
    assert any("answers none itself" in text for text in Page(render(report)).text_of("p"))
    direction = Direction(
        brier=0.24901,
        base_rate_brier=0.24987,
        log_loss=0.69123,
        base_rate_log_loss=0.69288,
        p_value=0.004,
        beats_base_rate=True,
        groups=tuple(
            DirectionGroup(said=said, rose=Estimate(value=rose, low=rose - 0.02, high=rose + 0.02))
            for said, rose in ((0.48, 0.47), (0.5, 0.51), (0.53, 0.54))
        ),
    )
    parsed = Page(render(report.model_copy(update={"direction": direction})))
    assert len(parsed.all("svg")) == 10
    shown = {float(attributes["value"] or "nan") for attributes in parsed.all("data")}
    assert numbers_in(direction.model_dump(mode="json")) <= shown
    assert any("is better than the base rate" in text for text in parsed.text_of("p"))


def test_tables_of_many_symbols_are_folded_away(report: Report) -> None:
    few = Page(render(report))
    symbols = tuple(
        report.symbols[0].model_copy(update={"symbol": f"S{number}"}) for number in range(40)
    )
    many = Page(render(report.model_copy(update={"symbols": symbols})))
    assert any("40 rows" in text for text in many.text_of("details", "summary"))
    assert not any(" rows" in text for text in few.text_of("details", "summary"))
    assert "S39" in many.text_of("details", "table")
