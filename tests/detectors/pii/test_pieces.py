"""Texts in pieces and portions, and their findings put together again."""

from itertools import pairwise

from outgate.detectors.finding import Finding
from outgate.detectors.pii.pieces import QUESTION, Piece, findings_of, pieces, questions
from outgate.detectors.pii.prefilter import ENTITIES


def test_a_text_that_holds_nothing_has_no_pieces():
    assert () == pieces("nothing but words", ENTITIES)


def test_what_may_hold_something_lies_in_a_piece():
    text = "far off " * 900 + "mail jane@example.com now"
    (piece,) = pieces(text, ENTITIES)
    assert "jane@example.com" in piece.text
    assert text[piece.start :].startswith(piece.text)


def test_portions_are_bounded_and_nothing_is_lost():
    texts = ["x" * length for length in (10, QUESTION, QUESTION * 3, 1, 2, 5_000, 5_000, 0)]
    portions = list(questions(texts))
    assert texts == [text for portion in portions for text in portion]
    assert all(len(portion) == 1 or sum(map(len, portion)) <= QUESTION for portion in portions)
    assert all(sum(map(len, first + second)) > QUESTION for first, second in pairwise(portions))
    assert [] == list(questions([]))


def test_findings_of_pieces_are_findings_of_the_whole():
    parts = (Piece(10, "aa"), Piece(20, "bb"), Piece(30, "aa"))
    found = {"aa": [Finding("E", 0, 2, 1.0)], "bb": []}
    assert (Finding("E", 10, 12, 1.0), Finding("E", 30, 32, 1.0)) == findings_of(parts, found)
