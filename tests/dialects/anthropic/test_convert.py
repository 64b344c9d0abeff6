"""The converter keeps the meaning of what it reads and writes, and the SDK reads what it writes, whole and streamed."""

import anthropic
import httpx2
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outgate.dialects.anthropic import SPEC
from outgate.inference.conversation import (
    Alternative,
    Answer,
    Begun,
    Call,
    Choice,
    Conversation,
    Counted,
    Failure,
    Finished,
    Media,
    Over,
    PartBegun,
    PartEnded,
    Piece,
    Reasoning,
    Result,
    Role,
    Sampling,
    Sealed,
    Spent,
    Text,
    Thought,
    Tool,
    Turn,
)
from outgate.inference.stream import Finish
from support.sse import frames
from support.wire_bodies import ANTHROPIC, MESSAGES

CONVERTER = SPEC.converter
ASKED = Conversation((), ())
MODEL = "claude-sonnet-4-5"
WORDS = st.text(min_size=1).filter(str.strip)
TREES = st.dictionaries(st.text(max_size=5), st.integers(-9, 9) | st.text(max_size=5) | st.booleans() | st.none(), max_size=3)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
SEALS = st.from_regex(r"[A-Za-z0-9+/]{4,40}", fullmatch=True)


def made(of, **members):
    return st.fixed_dictionaries(members).map(lambda given: of(**given))


TITLES = st.text(max_size=5)
MEDIA = st.one_of(
    made(Media, kind=st.just("image"), type=st.sampled_from(["image/png", "image/jpeg"]), data=SEALS),
    made(Media, kind=st.sampled_from(["image", "file"]), url=st.just("https://x.example/y")),
    made(Media, kind=st.just("file"), type=st.just("text/plain"), text=WORDS, name=TITLES),
    made(Media, kind=st.just("file"), type=st.just("application/pdf"), data=SEALS, name=TITLES),
)
TEXTS = made(Text, text=WORDS)
OURS = st.just("anthropic")
THOUGHTS = made(Thought, text=WORDS, signature=SEALS, provider=OURS) | made(Thought, sealed=SEALS, provider=OURS)
CALLS = made(Call, id=NAMES, name=NAMES, arguments=TREES.map(lambda tree: orjson.dumps(tree).decode()))
ANSWERED = st.lists(TEXTS | THOUGHTS | CALLS, min_size=1, max_size=4)
COUNTS = st.integers(0, 20)
SPENT = made(Spent, input=st.just(50), output=COUNTS, cached=COUNTS, written=COUNTS, reasoning=COUNTS)
FINISHES = st.sampled_from([Finish.STOP, Finish.TOOL_CALLS, Finish.LENGTH, Finish.CONTENT_FILTER])


@st.composite
def turns(draw):
    """Turns as this API has them: a user's first, the results of all calls behind them, and no id twice."""
    told, used = [Turn(Role.USER, tuple(draw(st.lists(TEXTS | MEDIA, min_size=1, max_size=3))))], set()
    for parts in draw(st.lists(ANSWERED, max_size=3)):
        answered = tuple(part for part in parts if not isinstance(part, Call) or not (part.id in used or used.add(part.id)))
        calls = [part for part in answered if isinstance(part, Call)]
        results = [
            Result(call.id, tuple(draw(st.lists(TEXTS | MEDIA, max_size=2))), draw(st.booleans()), call.name) for call in calls
        ]
        said = draw(st.lists(TEXTS | MEDIA, min_size=0 if results else 1, max_size=2))
        told += [*([Turn(Role.ASSISTANT, answered)] if answered else []), Turn(Role.USER, (*results, *said))]
    return tuple(told)


def merged(told):
    """Neighbours of one role as one turn."""
    together = []
    for turn in told:
        if together and together[-1].role is turn.role:
            together[-1] = turn._replace(parts=together[-1].parts + turn.parts)
        else:
            together.append(turn)
    return tuple(together)


SCHEMAS = st.fixed_dictionaries({"type": st.just("object"), "properties": TREES})
TOOLS = made(Tool, name=NAMES, description=TITLES, parameters=SCHEMAS, strict=st.sampled_from([None, True]))
CHOICES = [Choice(), Choice("auto"), Choice("any", parallel=False), Choice("tool", "f"), Choice("none")]
SAMPLINGS = made(
    Sampling,
    temperature=st.sampled_from([None, 0.0, 0.5]),
    top_k=st.sampled_from([None, 5]),
    max_tokens=st.integers(1, 9_999),
    stop=st.lists(WORDS, max_size=3).map(tuple),
)
CONVERSATIONS = made(
    Conversation,
    system=st.lists(TEXTS, max_size=2).map(tuple),
    turns=turns(),
    tools=st.lists(TOOLS, min_size=1, max_size=2).map(tuple),
    choice=st.sampled_from(CHOICES),
    sampling=SAMPLINGS,
    reasoning=st.sampled_from([None, Reasoning("none", 0, shown=False)]),
    stream=st.booleans(),
    usage_wanted=st.just(True),
    user=TITLES,
)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(CONVERSATIONS)
def test_a_request_means_the_same_when_it_is_read_again(asked):
    sent = CONVERTER.write_request(asked, MODEL, None)
    read, lost = CONVERTER.read_request(sent.path, orjson.loads(orjson.dumps(sent.body)))

    assert ([], []) == (list(sent.losses), list(lost))
    assert asked._replace(turns=merged(asked.turns)) == read


@FEW
@given(CONVERSATIONS)
def test_a_request_is_written_the_same_again(asked):
    sent = CONVERTER.write_request(asked, MODEL, None)
    again = CONVERTER.write_request(CONVERTER.read_request(sent.path, sent.body)[0], MODEL, None)

    assert sent == again


@FEW
@given(ANSWERED, FINISHES, SPENT)
def test_an_answer_means_the_same_when_it_is_read_again(parts, finish, spent):
    answer = Answer("a1", "m", (Alternative(tuple(parts), finish),), spent)

    assert answer == CONVERTER.read_answer(orjson.loads(orjson.dumps(CONVERTER.write_answer(answer, ASKED))))


def begun(part):
    """A part as it begins, its words, and its signature."""
    if isinstance(part, Call):
        return part._replace(arguments=""), part.arguments, ""
    if isinstance(part, Thought):
        return part._replace(text="", signature=""), part.text, part.signature
    return part._replace(text=""), part.text, ""


def streamed(parts, finish, spent):
    """The items of a stream that tells this answer, each part in two pieces."""
    yield Begun("a1", "m", usage=Spent())
    for at, part in enumerate(parts):
        empty, words, signature = begun(part)
        yield PartBegun(at, empty)
        yield from (Piece(at, piece) for piece in (words[:2], words[2:]) if piece)
        yield from [Sealed(at, signature)] if signature else []
        yield PartEnded(at)
    yield from (Finished(finish), Counted(spent), Over())


def written(items):
    writer = CONVERTER.writer(ASKED)
    return b"".join(writer.write(item) for item in items)


@FEW
@given(ANSWERED, FINISHES, SPENT)
def test_a_stream_means_the_same_when_it_is_read_again(parts, finish, spent):
    items = list(streamed(parts, finish, spent))
    reader = CONVERTER.reader()

    assert items == [item for frame in frames(written(items)) for item in reader.feed(frame["type"], frame)]


@FEW
@given(ANSWERED, FINISHES, SPENT)
def test_the_codec_of_the_api_reads_what_is_written(parts, finish, spent):
    events = ANTHROPIC.redecode(MESSAGES, True, written(streamed(parts, finish, spent)))

    assert (True, finish) == (events[-1].last, next(event.finish for event in events if event.finish))
    assert spent.output == [event.usage for event in events if event.usage][-1].output_tokens


def sdk(raw, status=200, kind="application/json"):
    answer = httpx2.Response(status, content=raw, headers={"content-type": kind})
    client = httpx2.Client(transport=httpx2.MockTransport(lambda _: answer))
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=client).messages


PARTS = (Thought("hm", "c2ln", provider="anthropic"), Text("Hello"), Call("a", "f", '{"x":[1,"é"]}'), Call("b", "g", "{}"))
QUESTION = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def check(message):
    thought, text, *calls = message.content
    assert ("hm", "c2ln", "Hello") == (thought.thinking, thought.signature, text.text)
    assert [("a", "f", {"x": [1, "é"]}), ("b", "g", {})] == [(call.id, call.name, call.input) for call in calls]
    assert ("tool_use", 9, 4) == (message.stop_reason, message.usage.output_tokens, message.usage.cache_read_input_tokens)


def test_the_sdk_reads_a_whole_answer():
    answer = Answer("a1", "m", (Alternative(PARTS, Finish.TOOL_CALLS),), Spent(10, 9, 4))

    check(sdk(orjson.dumps(CONVERTER.write_answer(answer, ASKED))).create(**QUESTION))


def test_the_sdk_puts_a_stream_together():
    raw = written(streamed(PARTS, Finish.TOOL_CALLS, Spent(10, 9, 4)))

    with sdk(raw, kind="text/event-stream").stream(**QUESTION) as stream:
        assert "Hello" == "".join(stream.text_stream)
        check(stream.get_final_message())


@pytest.mark.parametrize(("status", "error"), [(401, "AuthenticationError"), (429, "RateLimitError"), (500, "InternalServerError")])
def test_the_sdk_raises_its_error(status, error):
    raw = orjson.dumps(CONVERTER.write_failure(Failure(status, "theirs", "why")))

    with pytest.raises(getattr(anthropic, error), match="why"):
        sdk(raw, status).create(**QUESTION)


def test_the_sdk_raises_an_error_in_a_stream():
    raw = written([Begun("a1", "m"), PartBegun(0, Text("")), Piece(0, "hi"), Failure(529, "theirs", "why")])

    with pytest.raises(anthropic.APIStatusError, match="why"), sdk(raw, kind="text/event-stream").stream(**QUESTION) as stream:
        stream.get_final_message()
