"""Parts are numbered from 0 on, and each ends before the next begins."""

from outgate.dialects.numbered import Numbered
from outgate.inference.conversation import PartBegun, PartEnded, Piece, Text, Thought


def test_a_part_begins_once_and_ends_where_another_begins():
    parts = Numbered(2)
    told = [*parts.begin("a", Text("")), parts.piece("x"), *parts.begin("a", Text("")), *parts.begin("b", Thought()), *parts.end()]

    assert [PartBegun(0, Text(""), 2), Piece(0, "x", 2), PartEnded(0, 2), PartBegun(1, Thought(), 2), PartEnded(1, 2)] == told
    assert (1, None, []) == (parts.at, parts.open, [*parts.end()])
