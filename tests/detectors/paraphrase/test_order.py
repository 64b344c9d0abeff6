from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.order import moved_differs, order_differs
from outgate.detectors.paraphrase.words import Words


@pairs("""
    trains from Paris to London | trains from London to Paris
    Does a dog bite a man? | Does a man bite a dog?
    Convert euros to dollars | Convert dollars to euros
    Is gold heavier than lead? | Is lead heavier than gold?
    subtract 5 from 9 | subtract 9 from 5
    How do I translate French into German? | I want to translate German into French, how?
    Should I floss before brushing? | Should I do brushing before I floss?
""")
def test_exchanged_roles_are_seen(a: Words, b: Words) -> None:
    assert order_differs(a, b)
    assert order_differs(b, a)


@pairs("""
    the difference between cats and dogs | the difference between dogs and cats
    trains from Paris to London | trains to London from Paris
    Why is chemistry hard? | Why chemistry is hard?
    In Rome, what is there to see? | What is there to see in Rome?
    Is there a way to make physics easier to learn? | How can you make physics easy to learn?
""")
def test_words_that_only_moved_are_no_difference(a: Words, b: Words) -> None:
    assert not order_differs(a, b)


@pairs("""
    Turn it down to 18 degrees | Turn it down by 18 degrees
    Translate it into German | Translate it from German
    Is Ann under the roof? | Is Ann over the roof?
""")
def test_a_contrary_preposition_is_seen(a: Words, b: Words) -> None:
    assert order_differs(a, b)


@pairs("Is gold heavier than lead? | Is lead lighter than gold?")
def test_the_converse_of_exchanged_roles_is_left_to_the_verifier(a: Words, b: Words) -> None:
    assert not order_differs(a, b)


@pairs("""
    Why is chemistry hard? | Why chemistry is hard?
    i last replaced them and should replace them next | i should replace them last and replaced them next
""")
def test_the_same_words_in_another_order_are_seen(a: Words, b: Words) -> None:
    assert moved_differs(a, b)
    assert moved_differs(b, a)


@pairs("Why is chemistry hard? | why is chemistry so hard")
def test_other_words_have_not_moved(a: Words, b: Words) -> None:
    assert not moved_differs(a, b)
