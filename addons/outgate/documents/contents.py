"""Contents of files, as they take the place of a file: words or an image. What was fetched is remembered while it stays the same.

What is remembered is what was judged and sent before, by tenant: asking again whether it has changed costs no transfer and no
reading, and what has changed is judged anew.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from outgate.dialects.attachments import Attachment
from outgate.dialects.file_kinds import IMAGE, TEXT, sniff
from outgate.documents.sources import LocalPlace, Place, Sources
from outgate.documents.texts import REMEMBERED, Texts
from outgate.stores.memo import Memo

_LASTS = 3600.0
"""Seconds for which a file that never changes is not asked for again: it may have been deleted since."""


class Content(NamedTuple):
    """What a file holds; `text` is None where nobody reads it, `image` are the bytes of one."""

    kind: str
    text: str | None
    media_type: str = ""
    image: bytes = b""

    @property
    def size(self) -> int:
        """Bytes that it takes to remember it."""
        return 2 * len(self.text or "") + len(self.image)

    def instead_of(self, attachment: Attachment) -> tuple[str, dict[str, Any] | None]:
        """Its kind, and the part that takes the place of the file; None where that stays."""
        if self.text is not None and not (attachment.raw and self.kind == TEXT):  # which is read as text already
            return self.kind, attachment.as_text(self.text)
        return self.kind, attachment.as_image(self.media_type, self.image) if self.image else None


class _Known(NamedTuple):
    """What was fetched: its version, and when."""

    content: Content
    version: str
    at: float


class Contents:
    """Contents of files of requests. `monotonic` gives seconds."""

    def __init__(self, sources: Sources, texts: Texts, memo: Memo, monotonic: Callable[[], float]) -> None:
        self._sources, self._texts, self._memo, self._monotonic = sources, texts, memo, monotonic
        self._kind = f"file:{texts.kind}"

    async def of(self, data: bytes, tenant: str) -> Content:
        """Raises UnreadableError."""
        sniffed = sniff(data)
        text = await self._texts.of(sniffed, data, tenant)
        return Content(sniffed.kind, text, sniffed.media_type, data if sniffed.kind == IMAGE else b"")

    async def referred(self, attachment: Attachment, destination: str, tenant: str) -> Content | None:
        """What a reference stands for; None where the policy lets nobody fetch it. Raises UnresolvedError, UnreadableError."""
        place = self._sources.place(attachment, destination)
        if place is None:
            return None
        digest, now = self._memo.digest(place.name), self._monotonic()
        known: _Known | None = self._memo.get(tenant, self._kind, digest)
        if known is not None and place.lasting and now - known.at < _LASTS:
            return known.content
        fetched = await self._sources.fetch(place, known.version if known is not None else "")
        if fetched is None:
            assert known is not None
            return known.content
        content = await self.of(fetched.data, tenant)
        self._remember(place, _Known(content, fetched.version, now), tenant, digest)
        return content

    def _remember(self, place: Place | LocalPlace, known: _Known, tenant: str, digest: bytes) -> None:
        if (known.version or place.lasting) and 0 < known.content.size <= 2 * REMEMBERED:
            self._memo.put(tenant, self._kind, digest, known, known.content.size)
