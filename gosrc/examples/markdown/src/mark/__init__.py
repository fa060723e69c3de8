"""Markdown to HTML, by goldmark.

>>> print(to_html("*hello*"), end="")
<p><em>hello</em></p>
"""

import gobind

from .contract import Heading, Markdown

__all__ = ["Heading", "headings", "to_html"]

_markdown = gobind.load("libmark.so", Markdown)

__version__ = _markdown.version()


def to_html(text: str, *, gfm: bool = False, raw: bool = False) -> str:
    """Returns a document as HTML.

    Args:
        text: Markdown, as CommonMark defines it.
        gfm: with the extensions of GitHub: tables, strikethrough, task lists, links without brackets.
        raw: keep HTML that is in the text, and links to any scheme. For text that you trust.
    """
    return _markdown.to_html(text, gfm, raw)


def headings(text: str) -> list[Heading]:
    """Returns the headings of a document, in order."""
    return _markdown.headings(text)
