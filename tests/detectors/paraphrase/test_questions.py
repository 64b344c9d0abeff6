from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.questions import question_differs
from outgate.detectors.paraphrase.words import Words


@pairs("""
    Who invented the telephone? | When was the telephone invented?
    Why does bread rise? | How does bread rise?
    Where is the Nile? | How long is the Nile?
    How many people live there? | Who lives there?
    can you tell me when he died | can you tell me where he died
    What year was it built? | Which city was it built in?
    What is the reason for it? | What is the date of it?
""")
def test_another_question_word_is_seen(a: Words, b: Words) -> None:
    assert question_differs(a, b)
    assert question_differs(b, a)


@pairs("""
    When was it built? | In what year was it built?
    Why does it rain? | What is the reason it rains?
    Where was he born? | Which city was he born in?
    How many people live there? | What is the population there?
    How do I fry an egg? | What is the way to fry an egg?
    How long until it ends? | When does it end?
    How do I stop when I am tired? | how to stop
    Tell me the capital of Peru | What is the capital of Peru?
    Who wrote it? | Name the person who wrote it
""")
def test_the_same_question_in_other_words_is_no_difference(a: Words, b: Words) -> None:
    assert not question_differs(a, b)


@pairs("""
    Do vaccines cause it? | Why do vaccines cause it?
    Is Pluto a planet? | Who discovered Pluto?
""")
def test_whether_and_why_are_two_questions(a: Words, b: Words) -> None:
    assert question_differs(a, b)


@pairs("""
    Is there a way to do it? | How do I do it?
    Can you tell me who did it? | Who did it?
    Is it Ann or Bob? | Which is it, Ann or Bob?
""")
def test_a_question_that_leads_on_to_another_is_none_of_whether(a: Words, b: Words) -> None:
    assert not question_differs(a, b)
