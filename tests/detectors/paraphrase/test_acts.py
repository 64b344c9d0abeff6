from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.acts import act_differs
from outgate.detectors.paraphrase.words import Words


@pairs("""
    Summarise this text | Translate this text
    please multiply 12 by 8 | can you add 12 and 8
    List the planets | Count the planets
""")
def test_another_act_is_seen(a: Words, b: Words) -> None:
    assert act_differs(a, b)
    assert act_differs(b, a)


@pairs("""
    Summarise this text | please shorten this text
    Write a mail to Ann | Reply to Ann by mail
    List the planets | Which planets are there?
    could you describe tides | I need you to explain tides
""")
def test_the_same_act_in_other_words_is_no_difference(a: Words, b: Words) -> None:
    assert not act_differs(a, b)
