from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.names import kinds_differ, names_differ, quotes_differ
from outgate.detectors.paraphrase.words import Words


@pairs("""
    Who was Marie Curie? | Who was Marie Antoinette?
    the parser of lxml.etree | the parser of html.parser
    run it with --force | run it with --quiet
    Is the Galaxy S22 good? | Is the Galaxy S23 good?
    the river in Austria | the river in Australia
    the people of Niger | the people of Nigeria
    call foo_bar twice | call foo_baz twice
    open config.yaml | open config.json
""")
def test_another_name_is_seen(a: Words, b: Words) -> None:
    assert names_differ(a, b)
    assert names_differ(b, a)


@pairs("""
    Who is Hillary Clinton? | Who is Hilary Clinton?
    the capital of Germany | the German capital
    the president of the USA | the president of the United States
    WHO IS KING | who is king
    Is JavaScript fast? | is js fast
    the head of the World Health Organization | the head of the WHO
    In Bangalore, what is there? | What is there in Bengaluru?
    Tell me about Ohm's law | what does Ohm's law say, Please
""")
def test_the_same_name_in_another_form_is_no_difference(a: Words, b: Words) -> None:
    assert not names_differ(a, b)


@pairs("""
    are cats smart | are dogs smart
    sort a list in python | sort a list in java
    flights to paris | flights to rome
    is my sister tall | is my brother tall
    the german army | the french army
""")
def test_another_thing_of_one_kind_is_seen_in_small_letters(a: Words, b: Words) -> None:
    assert kinds_differ(a, b)
    assert kinds_differ(b, a)


@pairs("""
    my mom | my mother
    flights to germany | german flights
    cats and dogs | dogs and cats
    are cats smart | are cats smart animals
    postgres on k8s | postgresql on kubernetes
""")
def test_the_same_thing_under_another_name_is_no_difference(a: Words, b: Words) -> None:
    assert not kinds_differ(a, b)


@pairs("""
    what does "ad hoc" mean | what does "de facto" mean
    define 'ennui' | define 'angst'
""")
def test_another_quotation_is_seen(a: Words, b: Words) -> None:
    assert quotes_differ(a, b)


@pairs("""
    what does "ad hoc" mean | what does ad hoc mean
    what does "ad hoc" mean | what is meant by "Ad hoc"?
    the dog's bone, the cat's milk | the bone of the dog
""")
def test_the_same_quotation_is_no_difference(a: Words, b: Words) -> None:
    assert not quotes_differ(a, b)
