"""Strict JSON codec for request and response bodies (RFC 8259): bounded, no duplicate names, lossless numbers.

RFC 8259 read as narrowly as it can be, so that no two parsers can disagree about what was judged: UTF-8 (a BOM is dropped), no
duplicate names, no non-finite numbers, no lone surrogates, at most `Limits.depth` levels; integers stay exact, up to 308
digits. What is sent is always written from the tree that was judged. Any bytes give a value or a WireError, no other error.

Duplicate names are found by counting colons: a member that the parser dropped takes at least one colon with it, and writing
never adds one. That is exact unless the source spells a colon as an escape, so those bodies, and those with numbers that a
double cannot hold, go to a slower decoder that is exact by construction.
"""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, NoReturn

import orjson

from outgate.dialects.blobs import NO_BLOBS, Blobs
from outgate.errors import WireError

PLAIN, NESTED, NAMES = range(3)
"""Forms of a box: a container of the body, the root of JSON inside a string, or the member names of its parent."""

EXACT = 9007199254740992.0
"""2**53: from here on a double may stand for another integer."""

REMOVED = object()
"""An edit that takes a member or an element away."""
_REFUSED = object()
_BOM = b"\xef\xbb\xbf"
"""RFC 8259, section 8.1: a parser may ignore it."""
_SHORTEST = 2
"""Bytes of the shortest value and what parts it from the next, `1,` or `[]`."""
_LONG, _FEW = 8_192, 256
"""Bytes from which writing a body again costs more than counting its members, and how many quotes and values are looked at."""
_NO_DELIMITERS = bytes(set(range(256)) - set(b'":,[{'))


class Limits(NamedTuple):
    """Bounds on one body: levels, object members, elements of one array, leaves, and containers.

    A leaf costs a microsecond before any stage has seen it, and a small value 30 to 100 bytes, however few it takes on the wire:
    more of them would block the loop for longer than 50 ms, and hold twenty times the body. An agent's body of 900 KB, half of it
    schemas of 128 tools, has 8,000 leaves, 13,000 members and 5,000 containers.
    """

    depth: int = 64
    members: int = 60_000
    items: int = 400_000
    leaves: int = 30_000
    boxes: int = 40_000


LIMITS = Limits()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise WireError("duplicate_key", "an object names a member twice")
    return members


def _constant(_: str) -> NoReturn:
    raise WireError("bad_json", "the body holds a number that JSON does not have")


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _constant(text)


_exact = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _load_exact(raw: bytes) -> Any:
    try:
        return _exact.decode(raw.decode())
    except WireError:
        raise
    except (ValueError, RecursionError) as error:  # more digits than Python converts, more levels than it recurses
        raise WireError("bad_json", "the body is not strict JSON") from error


def _parse(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:  # it carries the body, so it must not become the context of an error
        return _REFUSED


def load(raw: bytes, limits: Limits = LIMITS, *, exact: bool = False) -> tuple[Any, bool]:
    """The JSON value in `raw`, and whether its numbers are known to be exact; its depth is not yet bounded. Raises WireError."""
    if len(raw) > _SHORTEST * limits.members and _crowded(raw, limits):
        raise WireError("too_many_members", "the body has too many members")
    raw = raw.removeprefix(_BOM)
    tree = _parse(raw)
    if tree is _REFUSED:
        raise WireError("bad_json", "the body is not strict JSON")
    if exact:
        return _load_exact(raw), True
    if len(raw) > _LONG and _all_kept(raw, tree):
        return tree, False
    written = _written(tree)
    if written == raw:  # as SDKs spell it: nothing was dropped
        return tree, False
    if b"\\u003" in raw:
        return _load_exact(raw), True
    if raw.count(b":") != written.count(b":"):
        raise WireError("duplicate_key", "an object names a member twice")
    return tree, False


def _all_kept(raw: bytes, tree: Any) -> bool:
    """Whether a long body of few strings surely names no member twice, told without writing it again: after the name of every
    member, dropped or not, come a quote and a colon, and there are no more such places than members that were kept.
    """
    pieces = raw.split(b'"', _FEW)
    if len(pieces) > _FEW:
        return False
    kept, values = 0, [tree]
    for value in values:  # which grows as they are opened
        if value.__class__ is dict:
            kept += len(value)
            values.extend(value.values())
        elif value.__class__ is list:
            values.extend(value[:_FEW])
        if len(values) > _FEW:
            return False
    return kept == sum(piece.lstrip()[:1] == b":" for piece in pieces)


def _crowded(raw: bytes, limits: Limits) -> bool:
    """Whether a body has more values than any limit allows, told before they are made: a parsed one is twenty times as large.

    Delimiters are counted, first all of them, and where there are too many, those outside strings: without escapes, every quote
    begins or ends a string, and two that meet are an empty one.
    """
    members, boxes, most = limits.members, limits.boxes, limits.members + limits.items
    few = raw.count(b'"') <= 4 * limits.leaves and raw.count(b",") <= most
    if few and raw.count(b":") <= members and raw.count(b"[") + raw.count(b"{") <= boxes:
        return False
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw
    marks = bare.translate(None, _NO_DELIMITERS)
    strings = marks.count(b'"') // 2
    marks = marks.replace(b'""', b"")
    if strings > 2 * members + limits.leaves or marks.count(b'"') > 2 * members:
        return True
    outside = b"".join(marks.split(b'"')[::2])
    named = outside.count(b":")
    crowded = named > members or outside.count(b"[") + outside.count(b"{") > boxes or outside.count(b",") > most
    return crowded or strings > 2 * named + limits.leaves


def _written(tree: Any) -> bytes:
    try:
        return orjson.dumps(tree)
    except TypeError as error:  # what it has read it can write, but for more levels than it recurses
        raise WireError("too_deep", "the body is nested too deeply") from error


def dump(tree: Any, *, canonical: bool = False) -> bytes:
    """The bytes of a tree, compact; `canonical` sorts member names. Raises WireError for what UTF-8 or JSON cannot hold."""
    try:
        return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS if canonical else None)
    except TypeError:  # an integer beyond 64 bits is right and orjson cannot write it; a lone surrogate is wrong
        pass
    try:
        return json.dumps(tree, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=canonical).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError("unencodable", "the body cannot be written as JSON") from error


class JsonDocument:
    """A decoded body: the tree, which is never changed, and its boxes `(container, parent, key, form)` in document order.

    `rule` is the root of the table by which it was read, `blobs` what its marks stand for, `counts` the places where a number must
    stand.
    """

    __slots__ = ("blobs", "boxes", "counts", "rule", "tree")

    def __init__(
        self,
        tree: dict[str, Any],
        boxes: list[tuple[Any, int, Any, int]],
        rule: Any = None,
        blobs: Blobs = NO_BLOBS,
        counts: Collection[tuple[int, str | int]] = (),
    ) -> None:
        self.tree = tree
        self.boxes = boxes
        self.rule = rule
        self.blobs = blobs
        self.counts = counts

    def encode(self, edits: Mapping[tuple[int, str | int], Any], *, canonical: bool = False) -> bytes:
        """The body with these values in place of its own; only containers on the way up are copied.

        Raises WireError when a renamed member would take the name of another, or text the place of what must be a number.
        """
        marked = self.marked(edits, canonical=canonical)
        return self.blobs.written(marked)[0] if self.blobs else marked

    def marked(self, edits: Mapping[tuple[int, str | int], Any], *, canonical: bool = False) -> bytes:
        """The same with marks for what was cut out: as telling, for each has a digest."""
        return dump(self.edited(edits) if edits else self.tree, canonical=canonical)

    def abridged(self, edits: Mapping[tuple[int, str | int], Any], most: int) -> tuple[bytes, int]:
        """The same with no more than `most` bytes of each; and its size in whole."""
        marked = self.marked(edits)
        return self.blobs.written(marked, most) if self.blobs else (marked, len(marked))

    def edited(self, edits: Mapping[tuple[int, str | int], Any]) -> Any:
        """The tree with these edits."""
        copies: dict[int, Any] = {}
        renamed: dict[int, dict[Any, Any]] = {}
        boxes = self.boxes
        for (box, key), value in edits.items():
            if box < 0:
                continue
            if (box, key) in self.counts and value.__class__ is str:
                raise WireError("private_number", f"`{key}` must be a number that holds no personal data")
            if boxes[box][3] == NAMES:
                renamed.setdefault(boxes[box][1], {})[key] = value
            else:
                (copies.get(box) or self._own(box, copies))[key] = value
        for box, names in renamed.items():
            _rename(copies.get(box) or self._own(box, copies), names)
        for box in {box for (box, _), value in edits.items() if value is REMOVED and box >= 0}:
            _take_away(copies[box])
        for box in sorted((box for box in copies if boxes[box][3] == NESTED), reverse=True):
            copies[boxes[box][1]][boxes[box][2]] = dump(copies[box]).decode()
        return self._own(0, copies)

    def _own(self, box: int, copies: dict[int, Any]) -> Any:
        copy = copies.get(box)
        if copy is None:
            container, parent, key, _ = self.boxes[box]
            copy = copies[box] = container.copy()
            if parent >= 0:
                above = copies.get(parent)
                (self._own(parent, copies) if above is None else above)[key] = copy
        return copy


def _take_away(container: Any) -> None:
    """Take what is marked so out of an object or an array."""
    if container.__class__ is list:
        container[:] = [value for value in container if value is not REMOVED]
        return
    for name in [name for name, value in container.items() if value is REMOVED]:
        del container[name]


def _rename(container: dict[str, Any], names: Mapping[str, str]) -> None:
    members = [(names.get(name, name), value) for name, value in container.items()]
    container.clear()
    container.update(members)
    if len(container) != len(members):
        raise WireError("duplicate_key", "a renamed member has the name of another")


def decode_value(raw: bytes, limits: Limits = LIMITS) -> Any:
    """Any strict JSON value, exact, within the limits. Raises WireError, for any bytes."""
    tree, exact = load(raw, limits)
    if _bounded(tree, limits) or exact:
        return tree
    return load(raw, limits, exact=True)[0]


def _bounded(tree: Any, limits: Limits) -> bool:
    """Whether every number of a tree is surely exact; raises WireError when the tree is too deep."""
    level, depth, exact = [tree], 0, True
    while level:
        below: list[Any] = []
        for value in level:
            if value.__class__ is dict:
                below.extend(value.values())
            elif value.__class__ is list:
                below.extend(value)
            elif value.__class__ is float and abs(value) >= EXACT:
                exact = False
        depth += any(value.__class__ is dict or value.__class__ is list for value in level)
        if depth > limits.depth:
            raise WireError("too_deep", "the body is nested too deeply")
        level = below
    return exact
