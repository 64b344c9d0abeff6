from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.negation import negation_differs
from outgate.detectors.paraphrase.words import Words


@pairs("""
    Which foods contain gluten? | Which foods do not contain gluten?
    Sort with recursion | Sort without recursion
    Why is it legal to park here? | Why isn't it legal to park here?
    Which planets have moons? | Which planets have no moons?
    Which days are open? | Which days are open except Monday?
    things I should do | things I shouldnt do
    Which of these is a mammal? | Which of these is NOT a mammal?
""")
def test_a_denial_on_one_side_is_seen(a: Words, b: Words) -> None:
    assert negation_differs(a, b)
    assert negation_differs(b, a)


@pairs("""
    Is smoking forbidden here? | Is smoking not allowed here?
    Don't forget to tell me the time | Tell me the time
    The engine fails to start | The engine does not start
    How do I avoid sugar? | How do I not eat sugar?
    Is it impossible to fly? | Is it not possible to fly?
    I have no idea what osmosis is | what is osmosis
    Why do cats not swim? | Why don't cats swim?
    Not only cats sleep | Cats sleep
""")
def test_what_a_word_may_make_up_for_is_left_to_the_verifier(a: Words, b: Words) -> None:
    assert not negation_differs(a, b)
    assert not negation_differs(b, a)
