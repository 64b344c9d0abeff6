"""Text of one file's bytes, by kind; documents are read once, and remembered by tenant and digest."""

from hashlib import sha256
from typing import Literal

from outgate.dialects.file_kinds import OFFICE, PDF, Sniffed
from outgate.documents.reader import Bounds, DocumentError, DocumentReader
from outgate.stores.memo import DIGEST, Memo

REMEMBERED = 262_144
"""Characters of a text that is remembered: the memo holds other results too."""
_WHY = {
    "encrypted": "it is encrypted",
    "no_text": "it holds no text",
    "too_long": "its text is longer than `max_characters` of `hydrate`",
    "too_many_pages": "it has more than 2,000 pages",
    "unfolds_too_far": "it unfolds to too many bytes",
    "unknown": "it is none of PDF, Word, Excel and PowerPoint",
    "unconfined": "this system cannot confine what reads it",
}
"""Reasons for which a document is not read; any other is that it is damaged, or takes too long."""


class UnreadableError(Exception):
    """A document that cannot be read; the argument says why, for its sender."""


class Texts:
    """The text of files. `unreadable` says what a document that cannot be read is: an error, or none of ours; `kind` names what is
    remembered of them.
    """

    def __init__(self, reader: DocumentReader, memo: Memo, bounds: Bounds, unreadable: Literal["deny", "parts"]) -> None:
        self._reader, self._memo, self._bounds, self._denies = reader, memo, bounds, unreadable == "deny"
        self.kind = f"document:{bounds.characters}"

    async def of(self, sniffed: Sniffed, data: bytes, tenant: str) -> str | None:
        """The text; None for what is neither text nor a document, or stays unread. Raises UnreadableError."""
        if sniffed.kind not in (PDF, OFFICE):
            return sniffed.text or None
        digest = sha256(data).digest()[:DIGEST]
        known = self._memo.get(tenant, self.kind, digest)
        if known is not None:
            return str(known)
        try:
            text = await self._reader.text(sniffed.kind, data, self._bounds)
        except DocumentError as error:
            if self._denies:
                raise UnreadableError(_WHY.get(str(error), "it is damaged, or takes too long to read")) from None
            return None
        if len(text) <= REMEMBERED:
            self._memo.put(tenant, self.kind, digest, text, 2 * len(text))
        return text
