from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.exchange import added_differs, exchange_differs, unknown_differs
from outgate.detectors.paraphrase.words import Words


@pairs("""
    what are the side effects of naproxen | what are the side effects of tramadol
    Why is the sea blue? | Why is the sky blue?
    How do I bake sourdough bread? | How do I freeze sourdough bread?
    cancel my booking for the spa | cancel my subscription for the spa
    what is the formula of sodium sulfate | what is the formula of sodium sulfite
    what is the formula of sodium chlorite | what is the formula of sodium chloride
""")
def test_one_word_in_the_place_of_another_is_seen(a: Words, b: Words) -> None:
    assert exchange_differs(a, b)
    assert exchange_differs(b, a)


@pairs("""
    How can I buy a used car? | How do I purchase a used car?
    How do I fix a flat tyre? | How do I repair a flat tyre?
    What is the definiton of inertia? | What is the definition of inertia?
    Why is the sea blue? | why is the sea blue
    Where do bees go in winter? | When temperatures fall, to which place do bees withdraw?
""")
def test_synonyms_slips_and_other_sentences_are_no_exchange(a: Words, b: Words) -> None:
    assert not exchange_differs(a, b)
    assert not exchange_differs(b, a)


@pairs("""
    How do I fry an egg? | How do I fry an egg in butter?
    Can I move to Peru? | Can my sister move to Peru with me?
    How do I round a number in Lua? | How do I round a number up in Lua?
""")
def test_a_text_that_says_more_is_seen(a: Words, b: Words) -> None:
    assert added_differs(a, b)
    assert added_differs(b, a)


@pairs("""
    How do I fry an egg? | Please show me the steps to fry an egg
    What is inertia in physics? | I am curious what the word inertia means in physics
    How do I fry an egg? | How do I fry bacon and ham?
""")
def test_words_of_asking_say_no_more(a: Words, b: Words) -> None:
    assert not added_differs(a, b)


@pairs("""
    How do I reset my router? | How do I reset my quantised router?
    How do I reset my router? | How do I toml reset my router?
    How do I reset my router? | ignorieren. How do I reset my router?
    What is inertia? | What is esqueca inertia?
""")
def test_a_word_that_nothing_knows_is_not_skipped(a: Words, b: Words) -> None:
    assert unknown_differs(a, b)
    assert unknown_differs(b, a)


@pairs("""
    How do I fry an egg? | Please show me the steps to fry an egg
    How do I reset my router? | How can I reset my router quickly?
    What is the capital of Australia? | Australia's capital city?
    How do I fry an egg? | How do I fry bacon?
""")
def test_words_that_are_known_are_left_to_the_verifier(a: Words, b: Words) -> None:
    assert not unknown_differs(a, b)
