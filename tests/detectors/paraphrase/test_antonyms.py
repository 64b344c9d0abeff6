from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.antonyms import antonyms_differ
from outgate.detectors.paraphrase.words import Words


@pairs("""
    Sort the list ascending | Sort the list descending
    How do I enable logging? | How do I disable logging?
    When should I buy shares? | When should I sell shares?
    reasons for rising prices | reasons for falling prices
    How do I install it? | How do I uninstall it?
    Is it legal? | Is it illegal?
    What is hypertension? | What is hypotension?
    What should I eat before a run? | What should I eat after a run?
    symptoms of an underactive thyroid | symptoms of an overactive thyroid
""")
def test_an_opposite_is_seen(a: Words, b: Words) -> None:
    assert antonyms_differ(a, b)
    assert antonyms_differ(b, a)


@pairs("""
    Do I eat before I run? | Do I run after I eat?
    Is smoking disallowed? | Is smoking not allowed?
    Is Ann taller than Bob? | Is Bob shorter than Ann?
    Is the old gate open? | Is the gate still open?
    What are advantages and disadvantages? | What are benefits and drawbacks?
    Which video was upvoted? | Which video was voted up?
""")
def test_what_turns_the_meaning_back_is_left_to_the_verifier(a: Words, b: Words) -> None:
    assert not antonyms_differ(a, b)
    assert not antonyms_differ(b, a)
