from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.scope import form_differs, scope_differs
from outgate.detectors.paraphrase.words import Words


@pairs("""
    the best camera | the worst camera
    the first king | the last king
    the longest river | the shortest river
    at least ten people | at most ten people
    no more than ten people | more than ten people
    games for children | games for adults
    the average wage | the median wage
    under 50 dollars | over 50 dollars
""")
def test_another_scope_is_seen(a: Words, b: Words) -> None:
    assert scope_differs(a, b)
    assert scope_differs(b, a)


@pairs("""
    the best camera | the top camera
    at least ten people | no fewer than ten people
    games for kids | games for children
    all my files | every file of mine
    the biggest lake | the largest lake
    the newest phone | the latest phone
""")
def test_the_same_scope_in_other_words_is_no_difference(a: Words, b: Words) -> None:
    assert not scope_differs(a, b)


@pairs("""
    Explain tides | Explain tides in one sentence
    List lakes as JSON | List lakes as YAML
    Explain tides concisely | Explain tides
""")
def test_another_form_of_the_answer_is_seen(a: Words, b: Words) -> None:
    assert form_differs(a, b)


@pairs("Briefly explain tides | Give a concise explanation of tides")
def test_the_same_form_in_other_words_is_no_difference(a: Words, b: Words) -> None:
    assert not form_differs(a, b)
