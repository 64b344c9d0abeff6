"""Properties of every pair of dialects: what all can say is said the same after any of them, whole, streamed, and cut anywhere."""

import itertools
import re
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outgate.dialects.answer_forms import answer_in
from outgate.dialects.registry import SPECS, conversations, dialect, operation_for, spec
from outgate.inference.conversation import (
    Alternative,
    Answer,
    Begun,
    Call,
    Choice,
    Conversation,
    Counted,
    Finished,
    Media,
    Over,
    PartBegun,
    PartEnded,
    Piece,
    Result,
    Role,
    Sampling,
    Spent,
    Text,
    Thought,
    Tool,
    Turn,
)
from outgate.inference.stream import Finish
from support.spoken import heard
from support.sse import TEXT
from support.talks import DIALECTS, PROVIDERS
from support.translations import calling

CLIENTS = [name for name in (spec.name for spec in SPECS if spec.converter is not None) if name in conversations()]
PAIRS = list(itertools.product(CLIENTS, repeat=2))
every_pair = pytest.mark.parametrize(("one", "other"), PAIRS, ids=map("-".join, PAIRS))
MODELS = {"openai": "gpt-4o", "responses": "gpt-4o", "anthropic": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
NOTHING = Conversation((), ())
_MADE = re.compile(rb"msg_[0-9a-f]{24}")

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12).filter(str.strip)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
objects = st.dictionaries(names, st.integers(-9, 9) | words | st.booleans() | st.none(), max_size=2)
texts = words.map(Text)
images = st.just(Media("image", "image/png", "iVBORw0KGgo="))
tools = st.lists(names, min_size=1, max_size=2, unique=True).map(
    lambda given: tuple(Tool(name, "d", {"type": "object", "properties": {"at": {"type": "string"}}}) for name in given)
)


@st.composite
def turns(draw):
    """A user's first; the results of all calls right behind them, and no id twice."""
    told = [Turn(Role.USER, tuple(draw(st.lists(texts | images, min_size=1, max_size=2))))]
    for number in range(draw(st.integers(0, 2))):
        calls = tuple(
            Call(f"call_{number}{at}", draw(names), orjson.dumps(draw(objects)).decode()) for at in range(draw(st.integers(0, 2)))
        )
        told.append(Turn(Role.ASSISTANT, (draw(texts), *calls)))
        results = tuple(Result(call.id, (draw(texts),), name=call.name) for call in calls)
        told += [Turn(Role.USER, results)] if results else []
        told.append(Turn(Role.USER, (draw(texts),)))
    return tuple(told)


asked = st.fixed_dictionaries({
    "system": st.lists(texts, max_size=2).map(tuple),
    "turns": turns(),
    "tools": tools,
    "choice": st.sampled_from([Choice(), Choice("auto"), Choice("any"), Choice("none")]),
    "sampling": st.sampled_from([Sampling(max_tokens=64), Sampling(temperature=0.5, max_tokens=16)]),
    "stream": st.booleans(),
}).map(lambda given: Conversation(**given))  # fmt: skip


def essence(conversation):
    """What every dialect says of it. Who speaks, and in which order, not in how many messages."""
    said = [(turn.role, each) for turn in conversation.turns for part in turn.parts for each in _essence(part)]
    runs = itertools.groupby(said, lambda each: (each[0], each[1][0]))
    merged = [
        (*key, "".join(each[1][1] for each in run) if key[1] == "text" else [each[1][1:] for each in run]) for key, run in runs
    ]
    return (
        "\n\n".join(text.text for text in conversation.system),
        merged,
        [(tool.name, tool.description, tool.parameters) for tool in conversation.tools],
        conversation.choice.mode,
        conversation.sampling.temperature,
        conversation.sampling.max_tokens,
        conversation.stream,
    )


def joined(told, kind):
    """Neighbouring texts are one."""
    return "".join(text for (text,) in told) if kind == "text" else told


def _essence(part) -> Iterator[tuple]:
    if isinstance(part, Text):
        yield "text", part.text
    elif isinstance(part, Media):
        yield "media", part.kind, part.type, part.data
    elif isinstance(part, Call):
        yield "call", part.id, part.name, orjson.loads(part.arguments)
    elif isinstance(part, Result):
        yield "result", part.id, "".join(each.text for each in part.parts)


def through(name, conversation):
    """The conversation after it was written in this dialect and read again, without any loss."""
    converter = spec(name).converter
    sent = converter.write_request(conversation, MODELS[name], None)
    read, lost = converter.read_request(sent.path, orjson.loads(orjson.dumps(sent.body)))
    assert ([], []) == (list(sent.losses), [loss for loss in lost if loss.what != "stored"])
    return read


@every_pair
@FEW
@given(asked)
def test_a_request_says_the_same_in_any_dialect_after_any_other(one, other, conversation):
    assert essence(conversation) == essence(through(other, through(one, conversation)))


said = st.lists(texts, min_size=1, max_size=1).flatmap(
    lambda first: st.lists(
        st.tuples(names, objects).map(lambda call: Call("", call[0], orjson.dumps(call[1]).decode())), max_size=2
    ).map(lambda calls: (*first, *(call._replace(id=f"call_{at}") for at, call in enumerate(calls))))
)
answers = st.tuples(st.just(()) | words.map(lambda text: (Thought(text),)), said).map(lambda each: (*each[0], *each[1]))
SPENT = Spent(9, 5)


def streamed(converter, parts, finish, size):
    """The stream of a provider that tells this answer in pieces of `size`."""
    writer = converter.writer(NOTHING)
    items = [Begun("resp_1", "m", 7)]
    for at, part in enumerate(parts):
        text = part.arguments if isinstance(part, Call) else part.text
        empty = part._replace(arguments="") if isinstance(part, Call) else part._replace(text="")
        items += [
            PartBegun(at, empty),
            *(Piece(at, text[start : start + size]) for start in range(0, len(text), size)),
            PartEnded(at),
        ]
    return b"".join(map(writer.write, [*items, Counted(SPENT), Finished(finish), Over()]))


def operation(client, *, stream):
    return operation_for("POST", DIALECTS[client].target(stream))


def answered(client, provider, chunks, *, stream, asked=NOTHING):
    """What the client gets of the provider's bytes."""
    asking = operation(client, stream=stream)
    decoder = answer_in(asking, provider, asked, dialect(client).answer(asking, stream, True), stream=stream, status=200)
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return b"".join(event.encode() for event in [*events, *decoder.end()])


def told(parts):
    """What a client is told, in whatever dialect: some sign thoughts, and some have no ids of their own."""
    return [
        ("call", part.id, part.name, orjson.loads(part.arguments)) if isinstance(part, Call) else (type(part), part.text)
        for part in parts
    ]


@every_pair
@FEW
@given(answers, st.integers(1, 9))
def test_a_whole_answer_and_a_stream_tell_the_same(one, other, parts, size):
    client, provider = spec(one).converter, spec(other).converter
    finish = Finish.TOOL_CALLS if any(isinstance(part, Call) for part in parts) else Finish.STOP
    whole = provider.write_answer(Answer("resp_1", "m", (Alternative(parts, finish),), SPENT, 7), NOTHING)
    read = client.read_answer(orjson.loads(answered(one, other, [orjson.dumps(whole)], stream=False)))
    folded = heard(client, answered(one, other, [streamed(provider, parts, finish, size)], stream=True))

    assert told(parts) == told(read.alternatives[0].parts) == told(folded.alternatives[0].parts)
    assert finish is read.alternatives[0].finish is folded.alternatives[0].finish
    assert SPENT == read.usage == folded.usage


EVERY = [(client, api) for client in CLIENTS for api in PROVIDERS if client != api]


@pytest.mark.parametrize(("client", "api"), EVERY, ids=map("-".join, EVERY))
@pytest.mark.parametrize("calls", [False, True], ids=["words", "call"])
@FEW
@given(cuts=st.lists(st.integers(0, 4_000), max_size=6))
def test_a_stream_cut_anywhere_is_the_same(client, api, calls, cuts):
    raw = calling(api, stream=True) if calls else b"".join(PROVIDERS[api].events({"stream": True}, [TEXT], (9, 5)))
    ends = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    chunks = [raw[start:end] for start, end in itertools.pairwise(ends)]
    named = NOTHING._replace(model="m")

    assert quiet(answered(client, api, [raw], stream=True, asked=named)) == quiet(
        answered(client, api, chunks, stream=True, asked=named)
    )


def quiet(raw):
    """Bytes without signs of life, and without an id that the gateway made."""
    pieces = [piece for piece in raw.split(b"\n\n") if piece.strip() and not piece.startswith(b":")]
    return [_MADE.sub(b"msg", piece) for piece in pieces]
