"""Rules of a dialect's table: what each member of a body is.

A table is a tree of rules, followed from the root while a body is walked. Everything the table does not name is judged, under
the channel of the rule it stands in: a string by its text, a member by its name. So an unknown field can hide nothing, and a
table can only err by showing too much. A string escapes judgement in four ways, all of them written down: its value is one of
a fixed list (`fixed`), it is a blob of a kind that is announced as unjudged (`blobs`, `links`), it is ciphertext that its provider
wants back (`sealed`), or it never leaves (`model`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from outgate.dialects.case_collisions import folded
from outgate.inference.prompt import Channel


class Everything(frozenset[str]):
    """The set of all strings: for members that a provider writes, in answers, and for those that the gateway replaces."""

    def __contains__(self, item: object) -> bool:
        return True

    def issuperset(self, other: Iterable[Any], /) -> bool:  # noqa: ARG002  every set is a part of it
        return True


EVERYTHING = Everything()

NOTHING: frozenset[str] = frozenset()

TAGS = frozenset({str, bool})
"""Types of values by which a more specific rule is picked."""

HOSTED = "hosted_tool"
"""The kind of tools that the provider runs: it calls an address, or runs a program, for the caller."""
REMOTE = "remote_url"
"""The kind of links that the provider follows: it fetches an image or a file from an address that the caller names."""

REACH = frozenset({
    "mcp_servers", "web_search_options", "search_parameters", "plugins", "enable_search", "data_sources", "dataSources",
})  # fmt: skip
"""Members of requests by which a search, a store or another server is called, of any API: many servers speak more than one."""

STATE = frozenset({
    "previous_response_id", "previous_message_id", "conversation", "container", "container_id",
    "file_id", "file_ids", "vector_store_ids", "batch_id", "thread_id", "store",
})  # fmt: skip
"""Members that refer to something kept at the provider. `null` and `false` do not."""


class Rule:
    """How to read one object or array.

    `channel` is that of every string not listed otherwise. Objects: `texts` name → channel; `fixed` name → values that need no
    judging; `blobs` names of strings that are no text; `links` names of strings that are no text when they are `data:` URLs, and
    that the provider fetches when they are not;
    `sealed` names of strings that are ciphertext, where they look like it: only in what a model said;
    `nested` name → rule of the JSON inside a string; `rules` name → rule of the object or array there, else `other`;
    `by` a member whose value picks a more specific rule from `cases`, where "" is that of objects without it, and which may pick
    again; `names` further known names; `reach` names by which the provider is told to call an address, unless null, false or empty.
    Arrays: `item` is the rule of elements, `turns` counts them as messages, `tokens` says that numbers in it stand for text. `kind`
    is added to the unjudged kinds wherever the rule applies; where there is `content`, only to objects that have an `id` and none
    of these members; where there is `unless`, a member and types, not to objects in which that member is of one of these types.
    `state` are the names that refer to state at the provider, `numbers` shows long numbers as leaves (a card number needs no
    quotes), as they are under every name the table does not know, `drop` replaces the value by null (only ever used on answers).
    `whole` is the member that one sentence may take the place of, with everything in it: the content of a tool's result.
    """

    __slots__ = (
        "blobs", "by", "cases", "channel", "content", "drop", "fixed", "folded", "item", "kind", "links", "names",
        "nested", "numbers", "other", "reach", "rules", "sealed", "state", "strings", "texts", "tokens", "turns",
        "unless", "whole",
    )  # fmt: skip

    def __init__(self, channel: Channel, **members: Any) -> None:
        self.channel = channel
        self.texts: Mapping[str, Channel] = members.pop("texts", {})
        self.fixed: Mapping[str, frozenset[str]] = members.pop("fixed", {})
        self.blobs: frozenset[str] = frozenset(members.pop("blobs", ()))
        self.links: frozenset[str] = frozenset(members.pop("links", ()))
        self.sealed: frozenset[str] = frozenset(members.pop("sealed", ()))
        self.nested: Mapping[str, Rule] = members.pop("nested", {})
        self.rules: dict[str, Rule] = members.pop("rules", {})
        self.other: Rule = members.pop("other", None) or free(channel)
        self.item: Rule = members.pop("item", None) or self.other
        self.by: str = members.pop("by", "")
        self.cases: Mapping[Any, Rule] = members.pop("cases", {})
        self.kind: str = members.pop("kind", "")
        self.content: frozenset[str] = frozenset(members.pop("content", ()))
        self.unless: tuple[str, frozenset[str]] = members.pop("unless", ("", frozenset()))
        self.state: frozenset[str] = members.pop("state", STATE)
        self.reach: frozenset[str] = frozenset(members.pop("reach", ()))
        self.turns: bool = members.pop("turns", False)
        self.tokens: bool = members.pop("tokens", False)
        self.numbers: bool = members.pop("numbers", False)
        self.drop: bool = members.pop("drop", False)
        self.whole: str = members.pop("whole", "")
        self.names = self._names(members.pop("names", ()))
        self.folded = folded((*self.names, *self.state, *self.reach) if self.names else ())
        """Names that must stand in their own case; there are none where every name is the caller's own, or a provider's."""
        self.strings: dict[str, Any] = {
            **dict.fromkeys((*self.blobs, *self.links, *self.sealed, *self.nested), NOTHING),
            **self.fixed,
            **self.texts,
        }
        """name → its channel, or the values that need no judging; what is in neither is looked at more closely."""
        if members:
            raise TypeError(f"unknown parts of a rule: {sorted(members)}")

    def _names(self, names: Iterable[str]) -> frozenset[str]:
        if isinstance(names, Everything):
            return names
        return (
            frozenset(names)
            .union(self.texts, self.fixed, self.blobs, self.links, self.sealed, self.nested, self.rules, [self.by] * bool(self.by))
            .difference(self.state, self.reach)
        )


def free(channel: Channel, *, names: frozenset[str] = frozenset(), state: frozenset[str] = STATE, numbers: bool = True) -> Rule:
    """Anything at all, every string and name and long number of it judged under `channel`."""
    rule = Rule.__new__(Rule)
    rule.other = rule
    Rule.__init__(rule, channel, other=rule, names=names, state=state, numbers=numbers)
    return rule


_LOWER = ("string", "number", "integer", "boolean", "object", "array", "null")
_TYPES = frozenset({*_LOWER, *map(str.upper, _LOWER)})
"""Gemini writes them in capitals."""
_KEYWORDS = frozenset({
    "type", "description", "title", "enum", "const", "default", "examples", "format", "pattern", "required", "items",
    "properties", "additionalProperties", "anyOf", "oneOf", "allOf", "not", "$ref", "$defs", "definitions", "$schema", "$id",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "nullable", "strict",
    "propertyOrdering", "example",
})  # fmt: skip


def schema(channel: Channel) -> Rule:
    """A JSON Schema: the names of its properties are judged, its keywords are not."""
    data = free(channel, state=frozenset())
    rule = Rule(
        channel,
        texts=dict.fromkeys(("description", "title"), channel),
        fixed={"type": _TYPES},
        other=data,
        names=_KEYWORDS,
        state=frozenset(),
    )
    branches = Rule(channel, item=rule, other=data, state=frozenset())
    by_name = Rule(channel, other=rule, state=frozenset())
    rule.rules.update(dict.fromkeys(("items", "additionalProperties", "not"), rule))
    rule.rules.update(dict.fromkeys(("anyOf", "oneOf", "allOf"), branches))
    rule.rules.update(dict.fromkeys(("properties", "$defs", "definitions"), by_name))
    return rule
