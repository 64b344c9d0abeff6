"""One kind of work in the guard matrix: places of texts in requests and answers, and the tables that give them channels."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from outgate.dialects.rules import Everything, Rule
from outgate.inference.prompt import Channel

type Body = dict[str, Any]
NEW, SAID, FIXED = "new", "said", "fixed"
"""Text that a request brings now; that was said before, and never ends it again; in whose place no sentence can stand."""


class Asked(NamedTuple):
    """A place in a request: `put` makes the members of a body with a text there, `seen` is its channel where that is another."""

    put: Callable[[str], Body]
    kind: str = NEW
    seen: Channel | None = None


class Told(NamedTuple):
    """A place in an answer: a whole body with a text there, or a stream that tells it in pieces; `seen` its channel in a stream."""

    whole: Callable[[str], Body]
    streamed: Callable[[str], bytes] | None
    seen: Channel | None = None


type Table = Rule | frozenset[Channel]
"""Of what has no table of its own, the channels that its reader gives."""


def as_json(body: Body) -> tuple[str, bytes]:
    return "application/json", orjson.dumps(body)


class Speech(NamedTuple):
    """One kind of work of a dialect: where it is asked for, its tables (request, whole answer, stream), and its places by channel.

    `written` gives the Content-Type and bytes of a request; `reply` is a good answer where none of its texts has a place; `streams`
    says that the API has a stream of it.
    """

    provider: str
    path: Callable[[bool], str]
    body: Callable[[bool], Body]
    tables: tuple[Table, Table, Table]
    asked: Mapping[Channel, Asked]
    told: Mapping[Channel, Told]
    written: Callable[[Body], tuple[str, bytes]] = as_json
    reply: bytes = b""
    streams: bool = True


def carried(table: Table) -> set[Channel]:
    """Every channel that a table gives to a string, or to a name."""
    if isinstance(table, frozenset):
        return set(table)
    found: set[Channel] = set()
    for rule in _rules(table):
        found |= {rule.channel, *rule.texts.values()}
        found |= {Channel.SEALED} if rule.sealed else set()
        found |= set() if isinstance(rule.names, Everything) else {Channel.KEY}
    return found


def _rules(table: Rule) -> list[Rule]:
    found, waiting = {id(table): table}, [table]
    while waiting:
        rule = waiting.pop()
        for below in (*rule.rules.values(), *rule.cases.values(), *rule.nested.values(), rule.item, rule.other):
            if id(below) not in found:
                found[id(below)] = below
                waiting.append(below)
    return list(found.values())
