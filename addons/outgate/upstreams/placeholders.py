"""Find the placeholders of a request, and say which credential is put in for them at the wire.

A placeholder is text that a workload may know: alone it opens nothing. It counts only as it is written, character for character.
One that stands in a head to which its binding does not reach is refused, so that whoever is led to send it elsewhere is told; in a
body, where text of any kind may stand, it leaves as it came.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import quote

from outgate.dialects.opaque import Opaque
from outgate.dialects.registry import key_fields
from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.net.headers import Headers
from outgate.net.secret import Secret
from outgate.upstreams.bindings import Placeholder
from outgate.upstreams.catalog import Backend, Catalog

_FORM = "application/x-www-form-urlencoded"
_JSON = re.compile(r"application/(?:[a-z0-9.-]+\+)?json")
_IN_TARGET = "/"


class Addressed(NamedTuple):
    """A request: its head as the workload sent it, its target and body as they are about to be sent."""

    principal: Principal
    method: str
    target: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Where a credential is put in over `text`: in these header fields, in the target, in the body, which is of type `media`."""

    text: str
    fields: tuple[tuple[str, Secret], ...]
    target: bool
    body: bool
    media: str = ""

    def over(self, real: str, target: str, body: bytes) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
        """Target, fields and body with the credential in them, written as each of them needs it."""
        fields = tuple((name, _in_field(value.reveal(), self.text, real)) for name, value in self.fields)
        target = target.replace(self.text, quote(real, safe="")) if self.target else target
        return target, fields, body.replace(self.text.encode(), _in_body(real, self.media)) if self.body else body


class Standing(NamedTuple):
    """A placeholder that is bound to a request. `holder` is the backend under which its credential is held. Without `put`, that
    travels as the provider's API has it.
    """

    name: str
    holder: Backend
    put: Put | None


class _Seen(NamedTuple):
    """A placeholder in a head, and its place: a field, a parameter after `?`, or elsewhere in the target."""

    text: str
    place: str


class Placeholders:
    """The placeholders of all backends of a policy."""

    def __init__(self, catalog: Catalog) -> None:
        self._held = {backend.name: tuple(held(backend)) for backend in catalog.backends}
        self._names = {each.text: each.name for bound in self._held.values() for each, _ in bound}
        self._texts = re.compile("|".join(map(re.escape, self._names)) or r"(?!)")

    def standing(self, backend: Backend, asked: Addressed) -> Standing | Denial | None:
        """The placeholder that is bound to this request; None where there is none in it. A denial where one stands in a head that
        it is not bound to, and where two are bound.
        """
        heads, path = tuple(self._in_head(asked)), asked.target.partition("?")[0]
        found = [
            (each, holder)
            for each, holder in self._held[backend.name]
            if each.takes(asked.principal, asked.method, path) and _stands(each, backend, asked, heads)
        ]
        if len(found) > 1:
            return _ambiguous(each.name for each, _ in found)
        for seen in heads:
            known = found and found[0][0].text == seen.text and _may_stand(found[0][0], backend, seen.place)
            if not known and self._is_refused(backend, seen):
                misplaced = bool(found) and found[0][0].text == seen.text
                return _unbound(self._names[seen.text], backend, misplaced=misplaced)
        return _standing(*found[0], backend, asked, heads) if found else None

    def _is_refused(self, backend: Backend, seen: _Seen) -> bool:
        """Not where providers of models are asked: what their clients show as a key ends at the gateway, whatever it is."""
        return backend.dialect == Opaque.name or any(each.text == seen.text for each, _ in self._held[backend.name])

    def _in_head(self, asked: Addressed) -> Iterator[_Seen]:
        for name, value in asked.headers:
            yield from (_Seen(text, name) for text in self._texts.findall(f"{value} {_basic(value)}"))
        for at, pair in enumerate(re.split(r"[?&]", asked.target)):
            name, _, value = pair.partition("=")
            for text in self._texts.findall(pair):
                yield _Seen(text, f"?{name}" if at and value == text else _IN_TARGET)


def held(backend: Backend) -> Iterator[tuple[Placeholder, Backend]]:
    """The placeholders of a backend, each with the backend as its credential is held under it."""
    for placeholder, credential in backend.placeholders:
        yield placeholder, replace(backend, credential=credential, placeholders=())


def told(backend: Backend) -> Iterator[str]:
    """The placeholders of a backend and their bounds, and whether bodies go on unread, for `outgate plan`."""
    if backend.stream_uploads:
        yield f"{backend.name}: the body of a request is sent on as it comes, unread"
    for each, _ in backend.placeholders:
        yield f"{backend.name}: the placeholder {each.name} of {each.holders}, {each.scope}, {_places(each, backend)}"


def _places(placeholder: Placeholder, backend: Backend) -> str:
    """Where it may stand, and that nobody reads what goes with it."""
    if backend.dialect != Opaque.name:
        return "as API key"
    places = (*placeholder.fields, *(f"?{name}" for name in placeholder.query), *(("body",) if placeholder.body else ()))
    return f"in {', '.join(places)}; what goes with it is not read"


def _may_stand(placeholder: Placeholder, backend: Backend, place: str) -> bool:
    if backend.dialect != Opaque.name:
        return any(place == field.name for field in key_fields())
    return place in placeholder.fields or (place[:1] == "?" and place[1:] in placeholder.query)


def _stands(placeholder: Placeholder, backend: Backend, asked: Addressed, heads: tuple[_Seen, ...]) -> bool:
    in_head = any(seen.text == placeholder.text and _may_stand(placeholder, backend, seen.place) for seen in heads)
    return in_head or _in_its_body(placeholder, backend, asked)


def _in_its_body(placeholder: Placeholder, backend: Backend, asked: Addressed) -> bool:
    return placeholder.body and backend.dialect == Opaque.name and placeholder.text.encode() in asked.body


def _standing(placeholder: Placeholder, holder: Backend, backend: Backend, asked: Addressed, heads: tuple[_Seen, ...]) -> Standing:
    if backend.dialect != Opaque.name:
        return Standing(placeholder.name, holder, None)
    places = {seen.place for seen in heads}
    fields = tuple((name, Secret(value)) for name, value in asked.headers if name in places)
    media = (asked.headers.get("content-type") or "").partition(";")[0].strip().lower()
    in_target = any(place[:1] == "?" for place in places)
    put = Put(text=placeholder.text, fields=fields, target=in_target, body=_in_its_body(placeholder, backend, asked), media=media)
    return Standing(placeholder.name, holder, put)


def _basic(value: str) -> str:
    """The name and password of a Basic credential (RFC 7617); empty where it is none."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(rest.strip(), validate=True).decode("latin-1")
    except binascii.Error:
        return ""


def _in_field(value: str, text: str, real: str) -> str:
    """The field with the credential in it, also inside a Basic credential."""
    plain = _basic(value)
    if text in plain:
        return f"Basic {b64encode(plain.replace(text, real).encode('latin-1')).decode()}"
    return value.replace(text, real)


def _in_body(real: str, media: str) -> bytes:
    if media == _FORM:
        real = quote(real, safe="")
    elif _JSON.fullmatch(media):
        real = real.replace("\\", "\\\\").replace('"', '\\"')
    return real.encode("latin-1")


def _ambiguous(names: Iterator[str]) -> Denial:
    message = f"More than one placeholder is bound to this request: {', '.join(sorted(names))}. The policy must bind one of them."
    return Denial(code="placeholder_ambiguous", status=403, message=message)


def _unbound(name: str, backend: Backend, *, misplaced: bool) -> Denial:
    where = "does not let it stand in this place" if misplaced else "does not bind it to this workload, method and path"
    message = f"The placeholder {name} is in the head of a request to {backend.name}, and the policy {where}."
    return Denial(code="placeholder_unbound", status=403, message=message)
