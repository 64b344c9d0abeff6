"""Find and name the place of a leaf in its body: the tool result that it is part of, the message that holds it."""

import re
from typing import Any, NamedTuple

from outgate.dialects.json_body import NAMES, JsonDocument
from outgate.dialects.rules import TAGS, Rule
from outgate.inference.prompt import Document, Leaf

type Address = tuple[int, str | int]

_CALLS = ("tool_use_id", "tool_call_id", "call_id")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Step(NamedTuple):
    """A container on the way down to a leaf, and the member or element of it that the way goes on with."""

    box: int
    container: Any
    key: str | int | None


def whole(document: Document, leaf: Leaf) -> Address | None:
    """What one sentence may take the place of, where the leaf is part of a tool's result: the address of its content."""
    if not isinstance(document, JsonDocument) or document.rule is None:
        return None
    rule = document.rule
    for step in _way(document, leaf.box, leaf.key):
        rule = _picked(rule, step.container)
        if rule.whole and step.key == rule.whole:
            return step.box, rule.whole
        rule = _below(rule, step.key)
    return None


def rule_of(document: JsonDocument, box: int) -> Rule:
    """The rule by which a container was read."""
    rule: Rule = document.rule
    for step in _way(document, box, None):
        rule = _picked(rule, step.container)
        rule = _below(rule, step.key) if step.key is not None else rule
    return rule


def described(document: Document, box: int, key: str | int | None = None) -> str:
    """A place for who sent the body: `messages[2].content[0] (user)`, with the id of a tool's call. No text of the prompt.

    Only members that the table knows are named.
    """
    if not isinstance(document, JsonDocument) or document.rule is None:
        return ""
    rule, path, said = document.rule, "", ""
    for step in _way(document, box, key):
        rule = _picked(rule, step.container)
        said = _speaker(step.container, rule) or said
        if isinstance(step.key, str) and not any(step.key in known for known in (rule.names, rule.reach, rule.state)):
            break
        path += f"[{step.key}]" if isinstance(step.key, int) else f".{step.key}" if step.key else ""
        rule = _below(rule, step.key)
    return path.removeprefix(".") + (f" ({said})" if said else "")


def _way(document: JsonDocument, box: int, key: str | int | None) -> list[_Step]:
    """The containers from the top of the body down to this one."""
    steps: list[_Step] = []
    while box >= 0:
        container, parent, at, form = document.boxes[box]
        if form != NAMES:
            steps.append(_Step(box, container, key))
        box, key = parent, at
    return steps[::-1]


def _picked(rule: Rule, container: Any) -> Rule:
    """The rule of an object's own kind."""
    while isinstance(container, dict) and rule.by:
        tag = container.get(rule.by)
        case = rule.cases.get("" if tag is None else tag) if tag is None or tag.__class__ in TAGS else None
        if case is None:
            break
        rule = case
    return rule


def _below(rule: Rule, key: str | int | None) -> Rule:
    if isinstance(key, int):
        return rule.item
    return rule.nested.get(key or "") or rule.rules.get(key or "", rule.other)


def _speaker(container: Any, rule: Rule) -> str:
    """Who speaks in a message, or which call a tool's result answers."""
    if not isinstance(container, dict):
        return ""
    kind, role = (_listed(container.get(name), rule, name) for name in ("type", "role"))
    call = next((container[name] for name in _CALLS if _plain(container.get(name))), "")
    return " ".join(filter(None, (role or (kind if call else ""), call)))


def _listed(value: Any, rule: Rule, name: str) -> str:
    """The value, where the table lists it: any other is the caller's own word."""
    return value if isinstance(value, str) and value in rule.fixed.get(name, ()) else ""


def _plain(value: Any) -> bool:
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None
