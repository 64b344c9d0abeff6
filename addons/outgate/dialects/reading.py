"""Find the strings of a body that policies see, and their channels: one walk over the strict tree, led by a dialect's table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from outgate.dialects.blobs import MARK, NO_BLOBS, Blobs, cut
from outgate.dialects.case_collisions import refuse_other_case
from outgate.dialects.json_body import EXACT, LIMITS, NAMES, NESTED, PLAIN, JsonDocument, Limits, load
from outgate.dialects.json_faults import explained
from outgate.dialects.rules import EVERYTHING, HOSTED, NOTHING, REMOTE, TAGS, Rule
from outgate.dialects.values import channel_of_base64, may_be_cut
from outgate.errors import WireError
from outgate.inference.prompt import Channel, Leaf
from outgate.inference.verdict import Extent

_LONG = 1_000_000
_CUT = 262_144
"""Bytes of a body from which long base64 strings are cut out of it."""
_LONG_COUNT = 100_000_000
"""From here on a number may be personal data: under a name that the table does not know, and under one that it does."""
_ANY_TYPE = frozenset({"const", "default"})
"""Keywords of a schema whose value may have any type."""
_NOWHERE: Mapping[str, tuple[int, str | int]] = MappingProxyType({})
_new = tuple.__new__


class InexactError(Exception):
    """A number that the fast parser may have rounded."""


class Reading(NamedTuple):
    """A body as policies see it: every judged string, the kinds of what is not text, and references to state at the provider.

    `parts` measures what is not text, in bytes as they stand in the body. `pieces` are the places of strings that should hold JSON
    and are judged as they stand: their quotes and the like are escaped. `hosted` are the places of what makes the provider call an
    address or run a program: tools, and members of the request. `places` says of each kind where its first part stands.
    """

    document: JsonDocument
    leaves: tuple[Leaf, ...]
    kinds: frozenset[str]
    state: tuple[str, ...]
    parts: tuple[Extent, ...] = ()
    pieces: frozenset[tuple[int, str | int]] = frozenset()
    hosted: tuple[tuple[int, str | int], ...] = ()
    places: Mapping[str, tuple[int, str | int]] = _NOWHERE


class _Walk:
    """One pass over a tree, in document order (an object's judged names before its members)."""

    __slots__ = (
        "blobs", "boxes", "counts", "cut", "deepest", "exact", "hosted", "kinds", "leaves", "limits", "most", "part", "pieces",
        "places", "state",
    )  # fmt: skip

    def __init__(self, limits: Limits, exact: bool, blobs: Blobs) -> None:  # noqa: FBT001
        self.blobs = blobs
        self.cut: set[tuple[int, str | int]] = set()
        """Places of blobs that stay cut: no policy reads them."""
        self.boxes: list[tuple[Any, int, Any, int]] = []
        self.leaves: list[Leaf] = []
        self.kinds: dict[str, list[int]] = {}
        """Kind of what is no text → how many parts, and their bytes; `part` is where the bytes that come are counted."""
        self.part = [0, 0]
        self.pieces: set[tuple[int, str | int]] = set()
        self.counts: list[tuple[int, str | int]] = []
        self.state: list[str] = []
        self.hosted: list[tuple[int, str | int]] = []
        self.places: dict[str, tuple[int, str | int]] = {}
        self.limits = limits
        self.deepest = limits.depth
        self.most = limits.boxes
        self.exact = exact

    def enter(self, container: Any, rule: Rule, parent: int, key: Any, depth: int, turn: int, form: int = PLAIN) -> None:
        step = self._members if container.__class__ is dict else self._elements
        step(container, rule, parent, key, depth, turn, form)

    def _members(  # noqa: C901  the hot loop: a call per member would double it
        self, container: dict[str, Any], rule: Rule, parent: int, at: Any, depth: int, turn: int, form: int = PLAIN
    ) -> None:
        boxes = self.boxes
        index = len(boxes)
        if depth > self.deepest or index >= self.most:
            self._refuse(depth)
        boxes.append((container, parent, at, form))
        while rule.by:
            tag = container.get(rule.by)
            case = rule.cases.get("" if tag is None else tag) if tag is None or tag.__class__ in TAGS else None
            if case is None:
                break
            rule = case
        if rule.kind and _is_kind(container, rule):
            self._begin(rule.kind, (parent, at))
        names = rule.names
        if names is not EVERYTHING and not names.issuperset(container):
            self._names(container, rule, index, turn)
        strings, channel = rule.strings, rule.channel
        cut = rule.numbers and may_be_cut(container.values())
        for key, value in container.items():
            kind = value.__class__
            if kind is str:
                spot = strings.get(key, channel)
                if spot.__class__ is Channel:
                    self.leaves.append(_new(Leaf, (index, key, value, spot, turn)))
                elif value not in spot:
                    self._string(value, rule, index, key, depth, turn)
            elif kind is dict:
                self._members(value, rule.rules.get(key, rule.other), index, key, depth + 1, turn)
            elif kind is list:
                self._elements(value, rule.rules.get(key, rule.other), index, key, depth + 1, turn)
            elif kind is int or kind is float:
                self._number(value, rule, index, key, turn, cut)

    def _elements(self, container: list[Any], rule: Rule, parent: int, at: Any, depth: int, turn: int, form: int = PLAIN) -> None:
        if rule.drop:
            self.boxes[parent][0][at] = None
            return
        index = len(self.boxes)
        if (
            depth > self.deepest
            or index >= self.most
            or len(self.leaves) > self.limits.leaves
            or len(container) > self.limits.items
        ):
            self._refuse(depth)
        self.boxes.append((container, parent, at, form))
        channel, item = rule.channel, rule.item
        cut = rule.numbers and may_be_cut(container)
        for key, value in enumerate(container):
            kind = value.__class__
            if kind is dict:
                self._members(value, item, index, key, depth + 1, key if rule.turns else turn)
            elif kind is str:
                self.leaves.append(_new(Leaf, (index, key, value, channel, key if rule.turns else turn)))
            elif kind is list:
                self._elements(value, item, index, key, depth + 1, key if rule.turns else turn)
            elif kind is float or (kind is int and not rule.tokens):
                self._number(value, rule, index, key, turn, cut)
        if rule.tokens and any(value.__class__ is int for value in container):
            self._begin("token_array", (parent, at))

    def _begin(self, kind: str, place: tuple[int, str | int]) -> None:
        """A part that is no text, of this kind."""
        self.part = self.kinds.setdefault(kind, [0, 0])
        self.part[0] += 1
        self.places.setdefault(kind, place)
        if kind is HOSTED:
            self.hosted.append(place)

    def _refuse(self, depth: int) -> NoReturn:
        if depth > self.deepest:
            raise WireError("too_deep", "the body is nested too deeply")
        raise WireError("too_many_members", "the body has too many members")

    def _names(self, container: dict[str, Any], rule: Rule, index: int, turn: int) -> None:
        box = len(self.boxes)
        self.boxes.append((container, index, None, NAMES))
        for name, value in container.items():
            if name in rule.state:
                if value is not None and value is not False:
                    self.state.append(name)
            elif name in rule.reach:
                if value is not None and value is not False and value != []:
                    self._begin(HOSTED, (index, name))
            elif name not in rule.names:
                if rule.folded:
                    refuse_other_case(name, rule.folded)
                self.leaves.append(_new(Leaf, (box, name, name, Channel.KEY, turn)))

    def _string(self, text: str, rule: Rule, index: int, key: str, depth: int, turn: int) -> None:
        if key in rule.blobs or (key in rule.links and text[:5].lower() == "data:"):
            self.part[1] += len(text)
            if self.blobs and MARK in text:
                self.part[1] += self.blobs.beyond(text)
                self.cut.add((index, key))
            return
        if self.blobs:
            text = self.blobs.whole(text)
        if key in rule.links and text:
            self._begin(REMOTE, (index, key))
        if key in rule.sealed and (sealed := channel_of_base64(text)):
            self.leaves.append(Leaf(index, key, text, sealed, turn))
            return
        inner = rule.nested.get(key)
        if inner is not None:
            tree = self._inside(text, said=rule.names is EVERYTHING)
            if tree is not None:
                self.enter(tree, inner, index, key, depth + 1, turn, NESTED)
                return
            self.pieces.add((index, key))
        self.leaves.append(Leaf(index, key, text, rule.channel, turn))

    def _inside(self, text: str, *, said: bool) -> Any:
        """The object or array that a string holds; None where it holds neither, and is judged as it stands.

        JSON that two readers take differently is refused like such a body, unless a model has `said` it. Raises WireError.
        """
        if len(self.leaves) > self.limits.leaves:
            self._refuse(0)
        try:
            tree, _ = load(text.encode(), self.limits, exact=self.exact)
        except WireError as error:
            if error.code == "bad_json" or said:
                return None
            raise
        return tree if tree.__class__ is dict or tree.__class__ is list else None

    def _number(self, value: float, rule: Rule, index: int, key: Any, turn: int, cut: bool) -> None:  # noqa: FBT001
        if value.__class__ is float and (value >= EXACT or value <= -EXACT) and not self.exact:
            raise InexactError
        counts = key.__class__ is str and key in rule.names
        if cut or abs(value) >= (_LONG_COUNT if counts else _LONG):
            self._show(value, rule, index, key, turn, counts)

    def _show(self, value: float, rule: Rule, index: int, key: Any, turn: int, counts: bool) -> None:  # noqa: FBT001
        """A number as a leaf: of request bodies, not of what a provider counts, and not of arrays that stand for text."""
        if rule.names is EVERYTHING or (rule.tokens and key.__class__ is int):
            return
        if counts and key not in _ANY_TYPE:
            self.counts.append((index, key))
        self.leaves.append(Leaf(index, key, str(value), rule.channel, turn))


def _is_kind(item: dict[str, Any], rule: Rule) -> bool:
    """Whether an object is of its rule's kind: not where it says what it is about, and not only the `id` under which its provider
    keeps it, nor where the caller runs it, or its words stand in it.
    """
    if rule.content:
        return bool(item.get("id")) and not any(map(item.get, rule.content))
    name, types = rule.unless
    inner = item.get(name) if name else None
    kind = inner.get("type") if isinstance(inner, dict) else None
    return not (isinstance(kind, str) and kind in types)


def _put_back(walk: _Walk) -> None:
    """Make every string of a tree whole that is not a blob, and what is judged of it."""
    whole = walk.blobs.whole
    for index, (container, _, _, form) in enumerate(walk.boxes):
        if form != NAMES:
            for key, value in list(container.items() if container.__class__ is dict else enumerate(container)):
                if value.__class__ is str and MARK in value and (index, key) not in walk.cut:
                    container[key] = whole(value)
    walk.leaves = [leaf._replace(text=whole(leaf.text)) if MARK in leaf.text else leaf for leaf in walk.leaves]


def walked(tree: dict[str, Any], rule: Rule, limits: Limits, *, exact: bool, blobs: Blobs = NO_BLOBS) -> Reading:
    """The reading of a tree as it was loaded. Raises WireError; and, unless its numbers are known to be exact, InexactError."""
    walk = _Walk(limits, exact, blobs)
    walk.enter(tree, rule, -1, None, 1, -1)
    if blobs:
        _put_back(walk)
    if len(walk.leaves) > limits.leaves:
        raise WireError("too_many_members", "the body has too many members")
    return Reading(
        JsonDocument(tree, walk.boxes, rule, blobs, frozenset(walk.counts)),
        tuple(walk.leaves),
        frozenset(walk.kinds) if walk.kinds else NOTHING,
        tuple(dict.fromkeys(walk.state)) if walk.state else (),
        tuple(Extent(kind, count, bytes=size) for kind, (count, size) in walk.kinds.items()) if walk.kinds else (),
        frozenset(walk.pieces) if walk.pieces else frozenset(),
        tuple(walk.hosted),
        walk.places,
    )


def read(raw: bytes, rule: Rule, limits: Limits = LIMITS) -> Reading:
    """A body whose top level is an object, read by a dialect's table. Raises WireError, which says where, for any bytes."""
    short, blobs = cut(raw) if len(raw) >= _CUT else (raw, NO_BLOBS)
    try:
        return read_strict(short, rule, limits, blobs)
    except WireError as error:
        raise explained(error, raw) from None


def read_strict(raw: bytes, rule: Rule, limits: Limits = LIMITS, blobs: Blobs = NO_BLOBS) -> Reading:
    """The same, without the search for what is wrong."""
    tree, exact = load(raw, limits)
    if tree.__class__ is not dict:
        raise WireError("not_an_object", "the body is not a JSON object")
    try:
        return walked(tree, rule, limits, exact=exact, blobs=blobs)
    except InexactError:
        pass
    tree, _ = load(raw, limits, exact=True)
    return walked(tree, rule, limits, exact=True, blobs=blobs)


def read_tree(tree: dict[str, Any], rule: Rule) -> Reading:
    """The reading of a tree that the gateway itself made."""
    return walked(tree, rule, LIMITS, exact=True)
