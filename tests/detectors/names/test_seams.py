"""Parts of a message that meet within a name are read together; messages and lists are not."""

from detectors.fakes import prompt
from outgate.detectors.names.seams import name_seams
from outgate.inference.prompt import Channel


def read(*texts, **where):
    return [seam.text for seam in name_seams(prompt(*texts, **where).leaves)]


def test_parts_of_a_message_are_joined_directly_and_a_space_apart():
    assert ["I am Maria Gonzalez", "I am Maria Gon zalez"] == read("I am Maria Gon", "zalez", turn=0)


def test_a_name_in_many_parts_is_read_whole():
    assert "Maria Gonzalez" in read(*"Maria Gonzalez".partition("ia"), turn=0)
    assert any("Gonzalez" in text for text in read(*"I am Maria Gonzalez.", turn=0))


def test_long_parts_give_their_ends():
    seams = read("x " * 500 + "Maria Gon", "zalez " + "y " * 500, turn=0)

    assert 2 == len(seams)
    assert all("Gon" in text and "zalez" in text and len(text) < 200 for text in seams)


def test_other_messages_sentences_and_small_letters_do_not_meet():
    assert [] == read("I am Maria", "Gonzalez")
    assert [] == read("I am Maria!", "Gonzalez", turn=0)
    assert [] == read("abc", "def", turn=0)
    assert [] == read("I am Maria", "Gonzalez", turn=0, channel=Channel.KEY)
