"""Everything that leaves is judged: a canary in every place that a table of a registered dialect knows is a leaf, or is refused.

The tables are walked from the root of what each registered operation reads, so that a new member, kind or dialect is tried unasked.
"""

import re

import pytest

from outgate.dialects.json_body import LIMITS, dump
from outgate.dialects.query import with_query
from outgate.dialects.reading import read
from outgate.dialects.registry import SPECS, dialect, request_line
from outgate.dialects.rules import EVERYTHING, Rule
from outgate.dialects.spec import Target
from outgate.errors import WireError
from outgate.net.headers import Headers

CANARY, NUMBER = "canary 8c21", 987_654_321
READ = {  # the least that an operation takes: whoever registers another one gives it here
    ("openai", "chat"): {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    ("openai", "embeddings"): {"model": "m", "input": "hi"},
    ("openai", "text_completion"): {"model": "m", "prompt": "hi"},
    ("openai", "image_generation"): {"model": "m", "prompt": "hi"},
    ("openai", "speech"): {"model": "m", "input": "hi"},
    ("openai", "moderation"): {"model": "m", "input": "hi"},
    ("openai", "batches"): {"input_file_id": "file-1"},
    ("responses", "chat"): {"model": "m", "input": "hi"},
    ("anthropic", "chat"): {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    ("anthropic", "count_tokens"): {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    ("gemini", "chat"): {"contents": [{"parts": [{"text": "hi"}]}]},
    ("gemini", "count_tokens"): {"contents": [{"parts": [{"text": "hi"}]}]},
    ("gemini", "embeddings"): {"content": {"parts": [{"text": "hi"}]}},
}
UNREAD = ("opaque", "models", "files", "transcription")
"""Kinds without a table; canaries are planted in forms by test_uploads.py."""
BODILESS = [
    ("batches", f"{method} /v1/batches{below}") for method, below in (("GET", ""), ("GET", "/{batch}"), ("POST", "/{batch}/cancel"))
]


def filled(template):
    """The request line of a template, a value in the place of each name."""
    names = {"model": "m", **{name: values.partition("|")[0] for name, values in template.values.items() if name != "model"}}
    return re.sub(r"\{(\w+)\}", lambda name: names[name[1]], template.line)


OPERATIONS = [
    (spec.name, template.kind.value, filled(template))
    for spec in SPECS
    for template in spec.paths
    if template.kind.value not in UNREAD and (template.kind.value, template.line) not in BODILESS
]


def prompt_of(name, kind, line, target=None):
    method, _, path = line.partition(" ")
    found = request_line(method, target or path, name)
    return dialect(name).decode(found, Headers(), dump(READ[name, kind])).prompt


def replaced(name, kind, line, body):
    """Whether no canary of this body is in what is sent, or it is refused."""
    method, _, path = line.partition(" ")
    codec = dialect(name)
    try:
        sent = codec.encode(codec.decode(request_line(method, path, name), Headers(), body), Target(model="routed"))
    except WireError:
        return True
    return CANARY.encode() not in sent.body and str(NUMBER).encode() not in sent.body


def places(rule: Rule, around, seen=None):
    """(rule, function that puts an object of this rule into a body), for every rule below, cases told apart by their tags.

    A rule is given once for each member that leads to it, and walked on from once: members spelled in two ways would double the
    paths at each level.
    """
    seen = set() if seen is None else seen
    yield rule, around
    if id(rule) in seen:
        return
    seen.add(id(rule))
    for tag, case in rule.cases.items():
        yield from places(case, lambda tree, tag=tag: around({rule.by: tag, **tree} if tag else tree), seen)
    below = {**rule.rules, **({"unknown": rule.other} if rule.other is not rule else {})}
    for member, inner in below.items():
        yield from places(inner, lambda tree, member=member: around({member: tree}), seen)
    if rule.item is not rule and rule.item is not rule.other:
        yield from places(rule.item, lambda tree: around([tree]), seen)


def planted(rule: Rule):
    """Objects with one canary each, in every member that a rule knows and in one that it does not."""
    names = () if rule.names is EVERYTHING else rule.names
    for name in (*sorted(names), *sorted(rule.state), *sorted(rule.reach), "unknown"):
        for value in (CANARY, NUMBER, [CANARY], [NUMBER], {"deep": CANARY}, {"deep": NUMBER}, {CANARY: 1}):
            yield name, value
    yield CANARY, 1


def shown(reading):
    return any(CANARY in leaf.text or str(NUMBER) in leaf.text for leaf in reading.leaves)


ALL = [pytest.param(*each, id=" ".join(each[::2])) for each in OPERATIONS]
TABLES = {id(prompt_of(*each).document.rule): each for each in OPERATIONS}
"""An operation for each table: versions of an API share theirs."""
EACH = [pytest.param(*each, id=" ".join(each[::2])) for each in TABLES.values()]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "kind", "line"), EACH)
def test_a_canary_in_every_place_of_every_table_is_a_leaf_or_announces_itself(name, kind, line):
    root = prompt_of(name, kind, line).document.rule
    missed, tried = [], 0
    for rule, around in places(root, lambda tree: tree):
        for member, value in planted(rule):
            tree = around({member: value})
            if not isinstance(tree, dict):
                continue
            try:
                reading = read(dump(tree), root, LIMITS)
            except WireError:
                continue
            tried += 1
            if shown(reading) or reading.kinds or reading.state:
                continue
            body = {**READ[name, kind], **tree} if rule is root else tree
            if not (member == "model" and replaced(name, kind, line, dump(body))):  # the routed model stands there
                missed.append(dump(tree).decode())

    assert [] == missed[:20]
    assert tried > 200


@pytest.mark.parametrize(("name", "kind", "line"), ALL)
def test_a_canary_in_a_query_is_a_leaf_or_refused(name, kind, line):
    path = line.partition(" ")[2]
    for query in ("canary=1", "x=canary", "a=b&x=canary", "api-version=canary", "beta=canary", "canary"):
        target = f"{path}?{query}"
        try:
            prompt = with_query(prompt_of(name, kind, line, target), target)
        except WireError:
            continue
        assert [leaf for leaf in prompt.leaves if "canary" in leaf.text], query


def test_every_operation_that_is_read_has_its_body_here():
    assert {(name, kind) for name, kind, _ in OPERATIONS} == set(READ)
