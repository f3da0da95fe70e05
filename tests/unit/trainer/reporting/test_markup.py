"""What is written into a page stands in it as text, and figures keep their digits."""

from tickcast_trainer.reporting.markup import figure, tag, to_html


def test_text_and_attributes_are_escaped() -> None:
    made = tag("p", "<script>a & b</script>", title='"><script>')
    # Within quotes, only a quote or an ampersand can end what they begin.
    assert to_html(made) == (
        '<p title="&quot;&gt;<script&gt;">&lt;script&gt;a &amp; b&lt;/script&gt;</p>'
    )


def test_text_and_elements_keep_their_order() -> None:
    made = tag("p", "a", tag("b", "c"), "d", None, "e", tag("i"), "f")
    assert to_html(made) == "<p>a<b>c</b>de<i></i>f</p>"


def test_an_attribute_without_a_value_is_left_out() -> None:
    assert to_html(tag("td", class_=None, aria_label="x")) == '<td aria-label="x"></td>'


def test_a_figure_shows_what_people_read_and_holds_what_programs_need() -> None:
    assert to_html(figure(-0.01234567, ".2%")) == (
        '<data value="-0.01234567">\N{MINUS SIGN}1.23%</data>'
    )


def test_a_percentage_may_keep_its_digits_whatever_its_size() -> None:
    assert (figure(0.0195537, "#.5g%").text, figure(0.00010008, "#.5g%").text) == (
        "1.9554%",
        "0.010008%",
    )
