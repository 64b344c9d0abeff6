# ruff: noqa: RUF001
import pytest

from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.language import is_judged, language_differs
from outgate.detectors.paraphrase.words import Words, read


@pytest.mark.parametrize(
    "text",
    [
        "Was ist die Hauptstadt von Frankreich?", "¿Cómo se dice eso?", "Quelle est la capitale de la France ?",
        "法国的首都是哪里？",
        "Какая столица Франции?", "what does 你好 mean", "Qual é a capital do Brasil?", "12345", "",
    ],
)  # fmt: skip
def test_what_is_not_english_is_not_judged(text: str) -> None:
    assert not is_judged(read(text))


@pytest.mark.parametrize(
    "text", ["Who was Schrödinger?", "python sort list descending", "What is a café au lait?", "capital of peru"]
)
def test_english_is_judged(text: str) -> None:
    assert is_judged(read(text))


@pairs("""
    Translate hello into French | Translate hello into Spanish
    Say hello in Dutch | Say hello
""")
def test_another_language_of_the_answer_is_seen(a: Words, b: Words) -> None:
    assert language_differs(a, b)


@pairs("How do I learn to speak Spanish? | How do I become fluent in Spanish?")
def test_the_same_language_is_no_difference(a: Words, b: Words) -> None:
    assert not language_differs(a, b)
