"""The converter keeps the meaning of what it reads and writes, and Google's SDK reads what it writes, whole and streamed."""

import httpx
import orjson
import pytest
from google import genai
from google.genai import errors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outgate.dialects.gemini import SPEC
from outgate.dialects.gemini.codec import Gemini
from outgate.dialects.registry import operation_for
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
    Format,
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

CONVERTER = SPEC.converter
ASKED = Conversation((), ())
MODEL = "gemini-3-flash"
STREAM = operation_for("POST", "/v1beta/models/m:streamGenerateContent?alt=sse")
WORDS = st.text(min_size=1)
TREES = st.dictionaries(st.text(max_size=5), st.integers(-9, 9) | st.text(max_size=5) | st.booleans() | st.none(), max_size=3)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
SEALS = st.from_regex(r"[A-Za-z0-9+/]{4,40}", fullmatch=True).filter(lambda seal: len(seal) % 4 == 0)


def made(of, **members):
    return st.fixed_dictionaries(members).map(lambda given: of(**given))


TITLES = st.text(max_size=5)
MEDIA = st.one_of(
    made(Media, kind=st.just("image"), type=st.sampled_from(["image/png", "image/jpeg"]), data=SEALS),
    made(Media, kind=st.just("audio"), type=st.just("audio/wav"), data=SEALS),
    made(Media, kind=st.just("image"), type=st.just("image/png"), url=st.just("https://x.example/y")),
    made(Media, kind=st.just("file"), type=st.just("application/pdf"), data=SEALS, name=TITLES),
)
TEXTS = made(Text, text=WORDS)
CALLS = made(Call, id=NAMES, name=NAMES, arguments=TREES.map(lambda tree: orjson.dumps(tree).decode()))
THOUGHTS = made(Thought, signature=SEALS, provider=st.just("gemini"))
COUNTS = st.integers(0, 20)
SPENT = made(Spent, input=st.just(50), output=st.just(30), cached=COUNTS, reasoning=COUNTS)
FINISHES = st.sampled_from([Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER, Finish.OTHER])
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def said(draw, thoughts=THOUGHTS):
    """What a model says: neighbouring texts are one, and a thought stands before what it led to."""
    parts = []
    for part in draw(st.lists(TEXTS | CALLS, min_size=1, max_size=4)):
        if not (parts and isinstance(parts[-1], Text) and isinstance(part, Text)):
            parts += [*draw(st.lists(thoughts, max_size=1)), part]
    return tuple(parts)


@st.composite
def turns(draw):
    """A user's first, the results of all calls behind them, and no id twice."""
    told, used = [Turn(Role.USER, tuple(draw(st.lists(TEXTS | MEDIA, min_size=1, max_size=3))))], set()
    for parts in draw(st.lists(said(), max_size=3)):
        answered = tuple(part for part in parts if not isinstance(part, Call) or not (part.id in used or used.add(part.id)))
        calls = [part for part in answered if isinstance(part, Call)]
        results = [Result(call.id, (*draw(st.lists(TEXTS, max_size=1)),), draw(st.booleans()), call.name) for call in calls]
        more = draw(st.lists(TEXTS | MEDIA, min_size=0 if results else 1, max_size=2))
        told += [*([Turn(Role.ASSISTANT, answered)] if answered else []), Turn(Role.USER, (*results, *more))]
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
TOOLS = made(Tool, name=NAMES, description=TITLES, parameters=SCHEMAS)
CHOICES = [Choice(), Choice("auto"), Choice("any"), Choice("tool", "f"), Choice("none")]
SAMPLINGS = made(
    Sampling,
    temperature=st.sampled_from([None, 0.0, 1.5]),
    top_p=st.sampled_from([None, 0.5]),
    top_k=st.sampled_from([None, 5]),
    max_tokens=st.integers(1, 9_999),
    n=st.sampled_from([None, 2]),
    seed=st.sampled_from([None, 0, 7]),
    presence=st.sampled_from([None, 0.5]),
    stop=st.lists(WORDS, max_size=5).map(tuple),
)
CONVERSATIONS = made(
    Conversation,
    system=st.lists(TEXTS, max_size=2).map(tuple),
    turns=turns(),
    tools=st.lists(TOOLS, min_size=1, max_size=2).map(tuple),
    choice=st.sampled_from(CHOICES),
    format=st.sampled_from([None, Format("json"), Format("schema", schema={"type": "object"})]),
    sampling=SAMPLINGS,
    reasoning=st.sampled_from([None, Reasoning("low"), Reasoning("high", shown=True)]),
    stream=st.booleans(),
    usage_wanted=st.just(True),
)


@FEW
@given(CONVERSATIONS)
def test_a_request_means_the_same_when_it_is_read_again(asked):
    sent = CONVERTER.write_request(asked, MODEL, None)
    read, lost = CONVERTER.read_request(sent.path, orjson.loads(orjson.dumps(sent.body)))

    assert ([], []) == (list(sent.losses), list(lost))
    assert asked._replace(turns=merged(asked.turns)) == read


@FEW
@given(said(), FINISHES, SPENT)
def test_an_answer_means_the_same_when_it_is_read_again(parts, finish, spent):
    ended = Finish.TOOL_CALLS if finish is Finish.STOP and any(isinstance(part, Call) for part in parts) else finish
    answer = Answer("a1", "m", (Alternative(parts, ended),), spent)

    assert answer == CONVERTER.read_answer(orjson.loads(orjson.dumps(CONVERTER.write_answer(answer, ASKED))))


def streamed(parts, finish, spent):
    """The items of a stream that tells this answer, texts in two pieces."""
    yield Begun("a1", "m")
    for at, part in enumerate(parts):
        words = part.arguments if isinstance(part, Call) else part.text
        empty = {"arguments": ""} if isinstance(part, Call) else {"text": ""}
        yield PartBegun(at, part._replace(**empty, **({"signature": ""} if isinstance(part, Thought) else {})))
        yield from (Piece(at, piece) for piece in ([words] if isinstance(part, Call) else [words[:2], words[2:]]) if piece)
        yield from [Sealed(at, part.signature)] if isinstance(part, Thought) and part.signature else []
        yield PartEnded(at)
    yield from (Finished(finish), Counted(spent), Over())


def written(items):
    writer = CONVERTER.writer(ASKED)
    return b"".join(writer.write(item) for item in items)


@FEW
@given(said(), FINISHES, SPENT)
def test_a_stream_means_the_same_when_it_is_read_again(parts, finish, spent):
    ended = Finish.TOOL_CALLS if finish is Finish.STOP and any(isinstance(part, Call) for part in parts) else finish
    items = list(streamed(parts, ended, spent))
    reader = CONVERTER.reader()

    assert items == [*(item for frame in frames(written(items)) for item in reader.feed("", frame)), *reader.end()]


@FEW
@given(said(), FINISHES, SPENT)
def test_the_codec_of_the_api_reads_what_is_written(parts, finish, spent):
    events = Gemini().redecode(STREAM, True, written(streamed(parts, finish, spent)))

    assert (True, finish) == (events[-1].last, next(event.finish for event in events if event.finish))
    assert spent.output == [event.usage for event in events if event.usage][-1].output_tokens


def sdk(raw, status=200, kind="application/json"):
    answer = httpx.Response(status, content=raw, headers={"content-type": kind})
    client = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    return genai.Client(api_key="k", http_options={"httpx_client": client}).models


PARTS = (Thought("hm", "c2ln", provider="gemini"), Text("Hello"), Call("a", "f", '{"x":[1,"é"]}'), Call("b", "g", "{}"))


def check(parts, last):
    assert ["hm", "Hello"] == ["".join(part.text for part in parts if part.text and part.thought is kind) for kind in (True, None)]
    assert [("a", "f", {"x": [1, "é"]}), ("b", "g", {})] == [
        (part.function_call.id, part.function_call.name, part.function_call.args) for part in parts if part.function_call
    ]
    assert [b"sig"] == [part.thought_signature for part in parts if part.thought_signature]
    assert ("STOP", 9, 4, 5) == (
        last.candidates[0].finish_reason,
        last.usage_metadata.candidates_token_count,
        last.usage_metadata.cached_content_token_count,
        last.usage_metadata.thoughts_token_count,
    )


def test_the_sdk_reads_a_whole_answer():
    answer = Answer("a1", "m", (Alternative(PARTS, Finish.TOOL_CALLS),), Spent(10, 14, 4, reasoning=5))
    told = sdk(orjson.dumps(CONVERTER.write_answer(answer, ASKED))).generate_content(model="m", contents="hi")

    check(told.candidates[0].content.parts, told)


def test_the_sdk_reads_a_stream():
    raw = written(streamed(PARTS, Finish.TOOL_CALLS, Spent(10, 14, 4, reasoning=5)))
    chunks = list(sdk(raw, kind="text/event-stream").generate_content_stream(model="m", contents="hi"))

    check([part for chunk in chunks for part in chunk.candidates[0].content.parts], chunks[-1])


@pytest.mark.parametrize(("status", "error"), [(401, errors.ClientError), (429, errors.ClientError), (500, errors.ServerError)])
def test_the_sdk_raises_its_error(status, error):
    raw = orjson.dumps(CONVERTER.write_failure(Failure(status, "theirs", "why")))

    with pytest.raises(error, match="why") as raised:
        sdk(raw, status).generate_content(model="m", contents="hi")
    assert status == raised.value.code


def test_the_sdk_raises_an_error_in_a_stream():
    raw = written([Begun("a1", "m"), PartBegun(0, Text("")), Piece(0, "hi"), Failure(529, "theirs", "why")])

    with pytest.raises(errors.APIError, match="why"):
        list(sdk(raw, kind="text/event-stream").generate_content_stream(model="m", contents="hi"))
