import pytest

from outgate.detectors.paraphrase.words import only, read, stem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("How's it going?", "how is it going ?"),
        ("I can't, won't and dont", "i can not , will not and do not"),
        ("the cat's tail", "the cat tail"),
        ("1,000 km/h w/o C++ at 3.5%", "1,000 km h without c++ at 3.5 %"),
        ("how 2 run --force foo_bar.py", "how to run --force foo_bar.py"),
        ("10km on 2024-03-01", "10 km on 2024 03 01"),
    ],
)
def test_a_text_is_words_in_small_letters_with_contractions_spelled_out(text: str, words: str) -> None:
    assert tuple(words.split()) == read(text).words


def test_letters_that_look_alike_are_the_same_word() -> None:
    assert ("without",) == read("with\u043eut").words  # a Cyrillic o


@pytest.mark.parametrize(
    "forms", ["run running ran", "city cities", "stop stopped stopping", "colour color", "organise organize", "buy bought"]
)
def test_forms_of_a_word_share_their_stem(forms: str) -> None:
    assert 1 == len({stem(form) for form in forms.split()})


def test_only_gives_what_the_other_text_lacks_in_any_form() -> None:
    a, b = read("Which cats ran home?"), read("which cat runs away?")

    assert ["home"] == [a.words[at] for at in only(a, b)]
