import json
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.dialects import json_body
from outgate.dialects.json_body import LIMITS, Limits, _crowded, decode_value, dump, load
from outgate.dialects.openai.tables import CHAT
from outgate.dialects.reading import read
from outgate.dialects.rules import free
from outgate.errors import WireError
from outgate.inference.prompt import Channel

SUITE = Path(__file__).parent.parent / "data" / "jsontestsuite" / "test_parsing"
DUPLICATES = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
"""Valid by RFC 8259, and refused: parsers disagree which of the two members counts."""
FREE = {
    "i_number_double_huge_neg_exp.json",
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
    "i_structure_UTF-8_BOM_empty_object.json",
}
"""Of the 35 that a parser may read either way, those that are accepted."""
ANY = free(Channel.USER)


def verdict(raw: bytes) -> str:
    try:
        decode_value(raw)
    except WireError:
        return "refused"
    return "accepted"


def test_p1_the_corpus_is_whole():
    assert {"y": 95, "n": 188, "i": 35} == {letter: len(list(SUITE.glob(f"{letter}_*.json"))) for letter in "yni"}


@pytest.mark.parametrize("path", sorted(SUITE.glob("*.json")), ids=lambda path: path.stem)
def test_p1_json_test_suite(path):
    accepted = (path.name[0] == "y" and path.name not in DUPLICATES) or path.name in FREE

    assert ("accepted" if accepted else "refused") == verdict(path.read_bytes())


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key"),
        (b'{"a":{"b":1,"b":1}}', "duplicate_key"),
        (b'{":":1,"\\u003a":2}', "duplicate_key"),
        (b'{"x":"\\u003a","a":1,"a":2}', "duplicate_key"),
        (b"\xef\xbb\xbf[]", "not_an_object"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "bad_json"),
        ('{"a":1}'.encode("utf-16"), "bad_json"),
        (b'{"a":"\xff"}', "bad_json"),
        (b'{"a":"\\ud800"}', "bad_json"),
        (b'{"a":NaN}', "bad_json"),
        (b'{"a":1e400}', "bad_json"),
        (b'{"a":-Infinity,"b":"\\u003a"}', "bad_json"),
        (b'{"a":' + b"9" * 5000 + b"}", "bad_json"),
        (b"", "bad_json"),
        (b"[1]", "not_an_object"),
        (b'"x"', "not_an_object"),
        (b"[" * 65 + b"]" * 65, "not_an_object"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "too_deep"),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "too_deep"),
        (b'{"a":' + b"[" * 64 + b'"\\u003a"' + b"]" * 64 + b"}", "too_deep"),
    ],
)
def test_refusals(raw, code):
    with pytest.raises(WireError) as caught:
        read(raw, ANY)

    assert code == caught.value.code
    assert caught.value.__context__ is None or not getattr(caught.value.__context__, "doc", "")


def test_depth_64_is_accepted():
    assert decode_value(b"[" * 64 + b"]" * 64) is not None
    assert read(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}", ANY) is not None
    with pytest.raises(WireError):
        decode_value(b"[" * 65 + b"]" * 65)


@pytest.mark.parametrize("number", ["9007199254740993", "18446744073709551616", "-9223372036854775809", "1" + "0" * 300])
def test_integers_beyond_a_double_stay_exact(number):
    raw = b'{"n":' + number.encode() + b',"s":"x"}'

    assert raw == read(raw, ANY).document.encode({})
    assert int(number) == decode_value(raw)["n"]


def test_an_edit_beside_a_huge_integer_keeps_it():
    reading = read(b'{"n":123456789012345678901234567890,"s":"x"}', ANY)
    [leaf] = [leaf for leaf in reading.leaves if leaf.text == "x"]

    assert b'{"n":123456789012345678901234567890,"s":"y"}' == reading.document.encode({(leaf.box, leaf.key): "y"})


def test_what_cannot_be_written_is_a_wire_error():
    with pytest.raises(WireError) as caught:
        dump({"a": "\ud800"})

    assert "unencodable" == caught.value.code


BOMBS = {
    "100k nesting": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100k nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100k nesting behind an escape": b'{"x":"\\u003a","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "1M keys": b"{" + b",".join(b'"k%d":1' % i for i in range(1_000_000)) + b"}",
    "1M strings": b'{"a":[' + b",".join([b'"s"'] * 1_000_000) + b"]}",
    "1M arrays": b'{"a":[' + b",".join([b"[]"] * 1_000_000) + b"]}",
    "300k keys in strings": b'{"a":[' + b",".join([b'{"k":1}'] * 250_000) + b"]}",
}


def quickest(work):
    """CPU seconds of the quickest of three runs: a busy machine doubles the CPU time of any one."""

    def spent():
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(spent() for _ in range(3))


@pytest.mark.parametrize("name", BOMBS)
def test_p6_bombs_are_refused_cheaply(name):
    def refused():
        with pytest.raises(WireError):
            read(BOMBS[name], ANY)

    assert quickest(refused) < 0.4


def test_p6_ten_thousand_messages_are_read_cheaply():
    raw = dump({"model": "m", "messages": [{"role": "user", "content": "hello"}] * 10_000})

    assert 10_000 == len(read(raw, CHAT).leaves)
    assert quickest(lambda: read(raw, CHAT)) < 0.1


def test_limits_are_configurable():
    raw = b'{"a":["x","y"],"b":{}}'

    assert read(raw, ANY, LIMITS)
    for limits in (Limits(members=1), Limits(items=1), Limits(leaves=1), Limits(boxes=1), Limits(depth=1)):
        with pytest.raises(WireError):
            read(raw, ANY, limits)


TEXT = st.text(alphabet='{}[]",:\\n a', max_size=5)
TREES = st.recursive(
    st.one_of(st.integers(), st.none(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(TEXT, inner, max_size=6)),
    max_leaves=40,
)


def counted(tree):
    """Members, containers, what follows a comma, and strings, names of members among them."""
    if not isinstance(tree, dict | list):
        return 0, 0, 0, int(isinstance(tree, str))
    below = [counted(each) for each in (tree.values() if isinstance(tree, dict) else tree)]
    members, boxes, commas, strings = (sum(each[at] for each in below) for at in range(4))
    named = len(tree) if isinstance(tree, dict) else 0
    return members + named, boxes + 1, commas + max(0, len(tree) - 1), strings + named


@settings(max_examples=800, deadline=None)
@given(TREES, st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.sampled_from([None, 1]))
def test_members_and_containers_are_counted_without_parsing(tree, members, boxes, items, indent):
    raw = json.dumps(tree, indent=indent).encode()
    have_members, have_boxes, commas, strings = counted(tree)
    crowded = _crowded(raw, Limits(members=members, boxes=boxes, items=items, leaves=9))

    if have_members > members or have_boxes > boxes or commas > members + items:
        assert crowded
    elif strings <= min(9, members):
        assert not crowded


def agent(tools=128, turns=150):
    """A long agent's body: as many tools as a provider takes, each with a schema of 3 KB, and turns of 2.7 KB."""
    described = {"type": "string", "description": "What it is for, in a sentence of some length, with a default."}
    schema = {"type": "object", "properties": {f"property_{at}": described for at in range(27)}, "required": ["property_0"]}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"path": "/a/b", "line": 1})}}
    said = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    said += [{"role": "tool", "tool_call_id": "c", "content": 'x = {"a": [1, 2], "b": "c"}\n' * 95}]
    offered = [{"type": "function", "function": {"name": f"f{at}", "parameters": schema}} for at in range(tools)]
    return dump({"model": "m", "messages": [{"role": "user", "content": "go"}, *said * turns], "tools": offered})


def test_p6_a_long_agents_body_with_large_schemas_is_far_from_the_limits():
    raw = agent()
    reading = read(raw, CHAT)
    members, boxes, *_ = counted(json.loads(raw))

    assert len(raw) > 800_000
    assert len(reading.leaves) < LIMITS.leaves / 2
    assert members < LIMITS.members / 4
    assert boxes < LIMITS.boxes / 4


@pytest.mark.parametrize("item", [b'"%x":1', b'"%x" :{}', b'"a,:\\"%x":""', b"[[%d]]", b'"%x"', b"{}"])
def test_p6_two_megabytes_of_small_values_are_refused_before_they_are_made(item):
    """Parsed they would be twenty times as large."""
    values = b",".join(item % at if b"%" in item else item for at in range(2_000_000 // (len(item) + 4)))
    raw = b"{" + values + b"}" if b":" in item else b'{"a":[' + values + b"]}"

    def refused():
        with pytest.raises(WireError, match="too many members"):
            decode_value(raw)

    tracemalloc.start()
    refused()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * len(raw)
    assert quickest(refused) < 0.05


JSON_ISH = st.text(alphabet='{}[]",:\\u0139eE+-. \tntrfalsx"\x00é', max_size=60).map(str.encode)


@settings(max_examples=1500, deadline=None)
@given(st.one_of(st.binary(max_size=200), JSON_ISH))
def test_p4_any_bytes_give_a_value_or_a_wire_error(raw):
    try:
        value = decode_value(raw)
    except WireError:
        return

    assert value == json.JSONDecoder().decode(raw.decode())


@pytest.mark.parametrize("gap", ["", " ", "\n\t"])
def test_p1_a_name_given_twice_is_found_in_a_long_body_of_few_members(gap):
    long = "x" * 20_000
    with pytest.raises(WireError) as refused:
        load(f'{{"a"{gap}: 1, "a":2, "text": "{long}"}}'.encode())
    assert refused.value.code == "duplicate_key"


def test_p1_a_colon_in_a_text_does_not_stand_for_the_colon_of_a_dropped_member():
    long = "x" * 20_000
    with pytest.raises(WireError) as refused:
        load(f'{{"a": ":", "a" : {{"b": ":"}}, ":": ": {long}"}}'.encode())
    assert refused.value.code == "duplicate_key"


@pytest.mark.parametrize("text", [":", '":', " : ", '\\":\\"', "\\u0022:"])
def test_a_long_body_whose_texts_look_like_members_is_read(text):
    tree, _ = load(json.dumps({"a": text, "text": text + "x" * 20_000 + text}).encode())
    assert tree == {"a": text, "text": text + "x" * 20_000 + text}


def test_p6_a_long_body_of_numbers_is_not_looked_at_one_by_one():
    assert not json_body._all_kept(b"[" + b"1," * 100_000 + b"1]", [1] * 100_001)


def test_p6_a_long_body_of_short_lists_is_not_looked_at_one_by_one():
    short = [1] * 200

    assert not json_body._all_kept(dump([[short] * 200] * 9), [[short] * 200] * 9)
    assert json_body._all_kept(dump([short]), [short])
