"""What Python and Go agree on."""

from typing import Protocol

from gobind import gointerface, gostruct, u8


@gostruct
class Heading:
    """A heading of a document."""

    level: u8
    text: str


@gointerface
class Markdown(Protocol):
    """The interface, implemented in go/markdown.go."""

    def to_html(self, text: str, gfm: bool, raw: bool) -> str: ...

    def headings(self, text: str) -> list[Heading]: ...

    def version(self) -> str: ...
