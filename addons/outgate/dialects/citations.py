"""Citations of an address: what every API can say of what an answer quotes, however each writes it.

Chat completions nest it (`{"type": "url_citation", "url_citation": {…}}`), the other APIs do not.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Quoted(NamedTuple):
    """An address, its title (empty where it has none), and the characters of the answer that quote it, where those are told."""

    url: str
    title: str = ""
    start: int | None = None
    end: int | None = None

    @property
    def place(self) -> tuple[int, int] | None:
        """From where to where, if both are known."""
        return None if self.start is None or self.end is None else (self.start, self.end)


def quoted(citation: object) -> Quoted | None:
    """What a citation of any API quotes; None where that has no address, or is no object: compatible servers send texts, too."""
    if not isinstance(citation, Mapping):
        return None
    nested = citation.get("url_citation")
    told: Mapping[str, Any] = nested if isinstance(nested, dict) else citation
    url, title = told.get("url"), told.get("title")
    if not isinstance(url, str) or not url:
        return None
    start, end = (told.get(name) for name in ("start_index", "end_index"))
    known = isinstance(start, int) and isinstance(end, int)
    return Quoted(url, title if isinstance(title, str) else "", *((start, end) if known else ()))
