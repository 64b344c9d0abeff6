from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.persons import person_differs, tense_differs
from outgate.detectors.paraphrase.words import Words


@pairs("""
    what is your country of origin | what is my country of origin
    Say that we accept the offer | Say that they accept the offer
    How old is her car? | How old is my car?
""")
def test_another_person_is_seen(a: Words, b: Words) -> None:
    assert person_differs(a, b)
    assert person_differs(b, a)


@pairs("""
    where is my car | where's our car
    How do I fry an egg? | how do you fry an egg
    Is her car old? | how old is the car
""")
def test_the_same_person_is_no_difference(a: Words, b: Words) -> None:
    assert not person_differs(a, b)


@pairs("""
    Who was elected mayor? | Who will be elected mayor?
    Who is the president? | Who was the president?
    You must change it | You may change it
    Should I rest? | Must I rest?
""")
def test_another_tense_or_duty_is_seen(a: Words, b: Words) -> None:
    assert tense_differs(a, b) or tense_differs(b, a)


@pairs("""
    Who was elected mayor? | Who did they elect?
    Will it rain? | Is it going to rain?
    Can I park here? | May I park here?
""")
def test_the_same_tense_is_no_difference(a: Words, b: Words) -> None:
    assert not tense_differs(a, b)
    assert not tense_differs(b, a)
