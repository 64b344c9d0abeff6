import pytest
from pydantic import ValidationError

from outgate.routing.topics import SemanticRule, doubts, topics_of
from support.routed import CHAT, CODE


def test_topics_stand_in_the_order_of_the_policy():
    rule = SemanticRule(names={"coder": {"bugs": CODE[:2], "new": CODE[2:]}, "chat": CHAT})

    assert [("coder", "bugs", CODE[:2]), ("coder", "new", CODE[2:]), ("chat", "", CHAT)] == topics_of(rule)


@pytest.mark.parametrize(
    ("names", "lacking"), [({"coder": {"bugs": []}}, r"coder\.bugs"), ({"chat": []}, "chat"), ({"a": {}}, "a")]
)
def test_a_name_or_topic_without_a_phrase_is_refused(names, lacking):
    with pytest.raises(ValidationError, match=f"no phrase is given for {lacking}"):
        SemanticRule(names=names)


def test_a_name_with_few_phrases_is_doubted():
    ((code, message, repair),) = doubts(SemanticRule(names={"coder": {"bugs": CODE[:2], "new": CODE[2:4]}, "chat": CHAT}))

    assert ("W_FEW_EXEMPLARS", "the semantic rule knows 'coder' by 4 phrases in all") == (code, message)
    assert repair.startswith("write 5 and more, ")


def test_a_phrase_under_two_names_is_doubted_however_it_is_spelt():
    (found,) = doubts(SemanticRule(names={"coder": CODE, "chat": (*CHAT, "  FIX the bug in this  code")}))

    assert "W_EXEMPLAR_TWICE" == found[0]
    assert "chat and coder" in found[1]


def test_a_phrase_may_not_be_empty():
    with pytest.raises(ValidationError):
        SemanticRule(names={"coder": ["  "]})
