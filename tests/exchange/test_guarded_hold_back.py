"""Events that rule guards hold back, in every dialect: none where no phrase and no call is open, one word at most where one is.

`docs/results/streams.md` has the figures.
"""

import pytest

from outgate.detectors.phrases import PhraseJudge, Phrases
from outgate.dialects.registry import SPECS, dialect
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel
from outgate.inference.stream import EventStream
from outgate.stages.tool_policy import Reads, ToolPolicy, ToolPolicySettings
from support.judging import at_once, guarded
from support.talks import DIALECTS

CHATS = [each.name for each in SPECS if any(template.kind is Kind.CHAT for template in each.paths)]
PLAIN = ["Sure", ", here", " is", " all", " you", " asked", " for", "."]


def judges(name):
    facts = Reads(Operation(name, Kind.CHAT), Principal(name="coder"), "m", EventStream.of(()))
    calls = ToolPolicy(ToolPolicySettings(deny=[{"tools": ["rm"]}])).open(facts)
    return PhraseJudge(Phrases(["the forbidden words"]), None, frozenset(Channel)), calls


def most_held(name, texts):
    """The most events of a stream that have come and of which nothing has left."""
    raw = b"".join(DIALECTS[name].events({}, texts, (9, 5)))
    passed, held, most = guarded(*judges(name)), 0, 0
    for event in dialect(name).answer(Operation(name, Kind.CHAT), True, True).feed(raw):
        released = at_once(passed.feed(event))
        kept = sum(len(text.text) for text in event.texts) - sum(len(text.text) for each in released for text in each.texts)
        held = max(0, held + kept)
        most = max(most, held)
    return most


@pytest.mark.parametrize("name", CHATS)
def test_nothing_is_held_where_nothing_is_open(name):
    assert 0 == most_held(name, PLAIN)


@pytest.mark.parametrize("name", CHATS)
def test_what_may_become_a_phrase_is_held_and_no_more(name):
    assert len(" the forbidden ") >= most_held(name, ["Say", " the", " forbidden", " fruit", "."]) > 0
