from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.numbers import numbers_differ, units_differ
from outgate.detectors.paraphrase.words import Words


@pairs("""
    List 3 causes of the war | List 4 causes of the war
    What is 15% of 80? | What is 10% of 80?
    What is 15% of 80? | What is 15% of 90?
    Is ten too many? | Is twelve too many?
    It rained twice | It rained three times
    Drive 5 km | Drive 5 miles
    Is Python 3.11 supported? | Is Python 3.12 supported?
    the world cup of 1998 | the world cup of 2002
    the second law | the third law
    a pack of 1,000 | a pack of 100
    what is 56 dollars in yen | what is 57 dollars in yen
    the date in 64 days | the date in 65 days
    What is a good plan? | What is a good plan for 14 days?
""")
def test_another_number_is_seen(a: Words, b: Words) -> None:
    assert numbers_differ(a, b)
    assert numbers_differ(b, a)


@pairs("""
    a dozen eggs | 12 eggs
    twice a week | 2 times per week
    half of it | 1/2 of it
    ten percent of it | 10 % of it
    24 hours of sleep | one day of sleep
    1,000 users | 1000 users
    the 2nd chapter | the second chapter
    one of the cats | a cat
    the two cats | the cats
    1 kg of rice | 1000 grams of rice
    5 dollars | $5
    tips 4 frying eggs | tips for frying eggs
    half of it | 50 % of it
    raise it by 25 % | raise it by a quarter
    3k users | three thousand users
""")
def test_the_same_number_in_another_form_is_no_difference(a: Words, b: Words) -> None:
    assert not numbers_differ(a, b)
    assert not numbers_differ(b, a)


@pairs("""
    How many miles is it? | How many kilometers is it?
    What do I pay per day? | What do I pay per week?
    How many minutes are in a day? | How many seconds are in a day?
    the price in euros | the price in dollars
""")
def test_another_unit_is_seen(a: Words, b: Words) -> None:
    assert units_differ(a, b)


@pairs("""
    How many miles is it? | How far is it in miles?
    What do I pay in 24 hours? | What do I pay in one day?
    a monthly fee | a fee per month
""")
def test_the_same_unit_is_no_difference(a: Words, b: Words) -> None:
    assert not units_differ(a, b)
