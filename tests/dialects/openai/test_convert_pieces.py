"""Words and calls of servers that tell names in pieces, whole calls twice, or all so far again and again."""

import pytest

from outgate.dialects.openai.convert_stream import ChatReader
from outgate.inference.conversation import Call, Failure, Finished, PartBegun, PartEnded, Piece, Text
from outgate.inference.stream import Finish
from support.openai_answers import chunk

NAMES = {
    "in pieces": [("get_", ""), ("weather", ""), (None, '{"x":'), (None, "1}")],
    "in pieces beside empty arguments": [("get", None), ("_", ""), ("weather", ""), ("", '{"x":1}')],
    "again in every chunk": [("get_weather", '{"x"'), ("get_weather", ":"), ("get_weather", "1}")],
    "again before the arguments": [("get_weather", ""), ("get_weather", ""), ("get_weather", '{"x":1}')],
    "longer in every chunk": [("get_", ""), ("get_weather", ""), ("get_weather", '{"x":1}')],
    "late, behind the arguments": [(None, '{"x"'), ("get_weather", ":1}")],
    "all so far each time": [("get_weather", '{"x"'), ("get_weather", '{"x":1'), ("get_weather", '{"x":1}')],
    "whole, and whole again": [("get_weather", '{"x":1}'), ("get_weather", '{"x":1}')],
    "whole, and its arguments again": [("get_weather", '{"x":1}'), (None, '{"x":1}')],
    "whole, and nothing behind it": [("get_weather", '{"x":1}'), ("get_weather", "")],
}


def call(name=None, arguments=None, called="c", index=0):
    return {"tool_calls": [{"index": index, "id": called, "function": {"name": name, "arguments": arguments}}]}


def read(*choices, finish="stop"):
    """What comes of choices: deltas, or whole choices."""
    reader, items = ChatReader(), []
    for each in choices:
        tree = chunk(each)
        if "message" in each or "delta" in each:
            tree["choices"][0] = {"index": 0, **each}
        items += reader.feed("", tree)
    return [*items, *reader.feed("", chunk({}, finish=finish))]


def calls_of(items):
    """The calls, whole, in the order in which they began."""
    begun = {item.at: item.part for item in items if isinstance(item, PartBegun) and isinstance(item.part, Call)}
    assert sorted(begun) == sorted(item.at for item in items if isinstance(item, PartEnded) and item.at in begun)
    said = {at: "".join(item.text for item in items if isinstance(item, Piece) and item.at == at) for at in begun}
    return [part._replace(arguments=said[at]) for at, part in begun.items()]


def text_of(items):
    return "".join(item.text for item in items if isinstance(item, Piece))


def failed(items):
    return any(isinstance(item, Failure) for item in items)


@pytest.mark.parametrize("told", NAMES.values(), ids=NAMES)
def test_a_call_has_its_whole_name_and_its_arguments_once(told):
    items = read(*(call(*each) for each in told))

    assert [Call("c", "get_weather", '{"x":1}')] == calls_of(items)
    assert not failed(items)


@pytest.mark.parametrize(("second", "ids"), [("d", ["c", "d"]), ("c", ["c", "c"]), (None, ["c", "c"])])
def test_another_call_under_the_same_index_is_another_call(second, ids):
    items = read(call("f", '{"x":1}'), call("f", '{"x":2}', called=second))

    assert ['{"x":1}', '{"x":2}'] == [each.arguments for each in calls_of(items)]
    assert ids[0] == calls_of(items)[0].id


def test_the_same_call_twice_without_ids_is_two_calls():
    items = read(call("roll", "{}", called=None), call("roll", "{}", called=None))

    assert ["roll", "roll"] == [each.name for each in calls_of(items)]


def test_calls_whose_pieces_are_mixed_are_told_apart():
    begun = {"tool_calls": [call("f", "", "a")["tool_calls"][0], call("g", "", "b", 1)["tool_calls"][0]]}
    pieces = [call(None, '{"x":', None), call(None, '{"y":', None, 1), call(None, "1}", None), call(None, "2}", None, 1)]

    assert [Call("a", "f", '{"x":1}'), Call("b", "g", '{"y":2}')] == calls_of(read(begun, *pieces))


def test_arguments_that_begin_as_those_before_them_may_be_pieces():
    told = [("f", '{"a":'), (None, '{"a":'), (None, "1}}")]

    assert ['{"a":{"a":1}}'] == [each.arguments for each in calls_of(read(*(call(*each) for each in told)))]


@pytest.mark.parametrize(
    "told",
    [
        [("f", '{"x":1}'), (None, '{"x":2}')],
        [("f", '{"x":1}'), (None, '{"x"')],
        [("f", '{"x":'), ("g", "1}")],
    ],
    ids=["other arguments", "half of them again", "another name"],
)
def test_attack_a_call_that_changes_is_an_error(told):
    assert failed(read(*(call(*each) for each in told)))


GROWING = ["I w", "I will look", "I will look it up."]


@pytest.mark.parametrize("form", ["message", "delta"])
def test_a_text_that_is_told_again_and_longer_is_said_once(form):
    items = read(*({form: {"role": "assistant", "content": text}} for text in GROWING))

    assert GROWING[-1] == text_of(items)
    assert 1 == sum(isinstance(item, PartBegun) for item in items)


def test_a_message_in_place_of_a_delta_may_hold_pieces():
    assert "Hello there" == text_of(read(*({"message": {"content": text}} for text in ("Hel", "lo ", "there"))))


def test_a_whole_message_behind_the_deltas_says_nothing_new():
    message = {"role": "assistant", "content": "Hello there", **call("f", '{"x":1}')}
    items = read({"content": "Hello "}, {"content": "there"}, call("f", '{"x":1}'), {"delta": {}, "message": message})

    assert ("Hello there", ["f"]) == (text_of(items).partition("{")[0], [each.name for each in calls_of(items)])
    assert not failed(items)


def test_a_call_of_a_message_in_place_of_a_delta_is_a_call():
    assert [Call("c", "f", '{"x":1}')] == calls_of(read({"message": call("f", '{"x":1}')}))


@pytest.mark.parametrize(
    "pieces", [["ha", "ha", "!"], ["1", "10", "0"], ["\n", "\n\n", "a"], ["a", "ab"], ["ab", "abab", "abc", "ab"]]
)
def test_pieces_that_happen_to_begin_alike_are_pieces(pieces):
    assert "".join(pieces) == text_of(read(*({"content": each} for each in pieces)))


def test_attack_a_text_that_is_told_again_and_changes_is_an_error():
    told = ["I will look", "I will look it up", "I will not look it up"]

    assert failed(read(*({"content": each} for each in told)))


@pytest.mark.parametrize(
    ("word", "finish"),
    [("error", Finish.ERROR), ("network_error", Finish.ERROR), ("EOS_TOKEN", Finish.STOP), ("sensitive", Finish.CONTENT_FILTER),
     ("model_length", Finish.LENGTH), ("nobody_knows", Finish.OTHER)],
)  # fmt: skip
def test_words_of_other_servers_for_the_end(word, finish):
    assert Finished(finish) in read({"content": "x"}, finish=word)


def test_a_text_that_was_held_comes_before_what_follows_it():
    items = read({"content": "a"}, {"content": "ab"}, {"reasoning_content": "hm"}, call("f", "{}"))

    assert "aab" == "".join(item.text for item in items if isinstance(item, Piece) and item.at == 0)
    assert PartBegun(0, Text("")) in items
