import mark


def test_a_document_becomes_html() -> None:
    assert mark.to_html("# Title\n\n*hello*") == "<h1>Title</h1>\n<p><em>hello</em></p>\n"


def test_the_extensions_are_asked_for() -> None:
    assert mark.to_html("~~old~~") == "<p>~~old~~</p>\n"
    assert mark.to_html("~~old~~", gfm=True) == "<p><del>old</del></p>\n"


def test_html_in_the_text_is_left_out_unless_asked_for() -> None:
    assert "script" not in mark.to_html("<script>alert(1)</script>")
    assert mark.to_html("<b>bold</b>", raw=True) == "<p><b>bold</b></p>\n"


def test_the_headings_are_found() -> None:
    assert mark.headings("# One *two*\n\ntext\n\n## `three`") == [
        mark.Heading(1, "One two"),
        mark.Heading(2, "three"),
    ]


def test_the_version_is_that_of_the_project() -> None:
    assert mark.__version__ == "0.1.0"
