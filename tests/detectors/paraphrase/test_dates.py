from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.dates import dates_differ
from outgate.detectors.paraphrase.words import Words


@pairs("""
    What is open today? | What is open tomorrow?
    Book it for March | Book it for April
    the shop on Monday | the shop on Sunday
    sales of last year | sales of this year
    Wake me at 3 pm | Wake me at 3 am
    a meeting at 14:30 | a meeting at 15:30
    What grows in may? | What grows in june?
    trees in winter | trees in summer
    What should I wear? | What should I wear in winter?
""")
def test_another_date_is_seen(a: Words, b: Words) -> None:
    assert dates_differ(a, b)
    assert dates_differ(b, a)


@pairs("""
    Wake me at 3 pm | wake me up at 15:00
    What is open on Mon? | what's open monday
    sales of the previous year | sales of the last year
    may I ask a thing? | can I ask a thing?
    at noon | at 12 pm
    in Dec | in december
""")
def test_the_same_date_in_another_form_is_no_difference(a: Words, b: Words) -> None:
    assert not dates_differ(a, b)
