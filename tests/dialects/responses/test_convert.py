"""The converter as a whole: SDKs read what it writes, and nothing is changed by going there and back."""

import httpx2
import openai
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outgate.errors import WireError
from outgate.inference.conversation import (
    Call,
    Choice,
    Conversation,
    Failure,
    Format,
    Media,
    Reasoning,
    Refused,
    Result,
    Role,
    Sampling,
    Text,
    Thought,
    Tool,
    Turn,
)
from outgate.inference.stream import Finish
from support.responses_spoken import CONVERTER, answer, asked, items_of, streamed, told, written
from support.spoken import folded
from support.wire_bodies import RESPONSE, RESPONSES

SIGNATURE = "Erc" + "A" * 60
PARTS = (Thought("hm hm", SIGNATURE, "", "anthropic"), Text("hello world"), Call("c1", "f", '{"a":1}'), Call("c2", "g", "{}"))
CUSTOM = {"type": "custom", "name": "run"}


def sdk(raw, status=200, kind="application/json"):
    def handle(_):
        return httpx2.Response(status, content=raw, headers={"content-type": kind})

    return openai.OpenAI(api_key="k", max_retries=0, http_client=httpx2.Client(transport=httpx2.MockTransport(handle)))


def streaming(raw):
    return sdk(raw, kind="text/event-stream").responses.stream(model="m", input="hi")


def test_the_sdk_reads_a_whole_answer():
    read = sdk(orjson.dumps(written(answer(*PARTS)))).responses.create(model="m", input="hi")
    thought, _, call, _ = read.output

    assert ("hello world", "hm hm", 14) == (read.output_text, thought.summary[0].text, read.usage.total_tokens)
    assert ("c1", "f", '{"a":1}') == (call.call_id, call.name, call.arguments)


def test_the_sdk_reads_a_streamed_answer():
    with streaming(streamed(told(PARTS))) as stream:
        events = list(stream)
        read = stream.get_final_response()
    deltas = [event for event in events if event.type == "response.function_call_arguments.delta"]

    assert "hello world" == "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert '{"a":1}' == [event for event in deltas if event.output_index == 2][-1].snapshot
    assert (["reasoning", "message", "function_call", "function_call"], 4) == (
        [item.type for item in read.output],
        read.usage.input_tokens_details.cached_tokens,
    )


def test_the_sdk_reads_a_call_of_free_text():
    with streaming(streamed(told([Call("c1", "run", '{"input":"ls -l"}')]), asked(tools=[CUSTOM]))) as stream:
        [call] = stream.get_final_response().output

    assert ("custom_tool_call", "ls -l") == (call.type, call.input)


def test_the_sdk_reads_a_refusal():
    with streaming(streamed(told([Refused("I will not.")]))) as stream:
        [message] = stream.get_final_response().output

    assert "I will not." == message.content[0].refusal


def test_the_sdk_raises_for_a_stream_that_fails():
    with pytest.raises(openai.APIError, match="slow"), streaming(streamed([*told(PARTS)[:4], Failure(429, "", "slow")])) as stream:
        list(stream)


@pytest.mark.parametrize(
    ("status", "error"), [(400, openai.BadRequestError), (429, openai.RateLimitError), (529, openai.InternalServerError)]
)
def test_the_sdk_raises_its_typed_error(status, error):
    raw = orjson.dumps(CONVERTER.write_failure(Failure(status, "overloaded_error", "Overloaded")))

    with pytest.raises(error, match="Overloaded"):
        sdk(raw, status).responses.create(model="m", input="hi")


FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
texts = words.map(Text)
media = st.sampled_from([
    Media("image", "image/png", "iVBO"),
    Media("image", url="https://x.test/a.png"),
    Media("file", "application/pdf", "JVBE", name="a.pdf"),
])  # fmt: skip
arguments = st.dictionaries(names, words, max_size=2).map(lambda tree: orjson.dumps(tree).decode())
calls = st.tuples(st.from_regex(r"call_[a-z0-9]{6}", fullmatch=True), names, arguments).map(lambda call: Call(*call))
thoughts = words.map(lambda text: Thought(text, "gAAAA" + "Q" * 40, "", "responses", {"id": "rs_1"}))
results = st.tuples(names, st.lists(texts | media, max_size=2)).map(lambda said: Result(f"other_{said[0]}", tuple(said[1])))
said = st.lists(thoughts | texts | words.map(Refused) | calls, min_size=1, max_size=5).map(tuple)
turns = st.one_of(
    st.lists(texts | media, min_size=1, max_size=3).map(lambda parts: Turn(Role.USER, tuple(parts))),
    st.lists(results, min_size=1, max_size=3).map(lambda parts: Turn(Role.USER, tuple(parts))),
    said.map(lambda parts: Turn(Role.ASSISTANT, parts)),
)


def parted(given):
    """Turns as they are told apart: two of the model, or of results, that follow each other are one."""
    kept = []
    for turn in given:
        same = kept and kept[-1].role is turn.role
        if not same or not (
            turn.role is Role.ASSISTANT or (isinstance(turn.parts[0], Result) and isinstance(kept[-1].parts[0], Result))
        ):
            kept.append(turn)
    return tuple(kept)


OBJECT = {"type": "object"}
tools = st.tuples(names, words, st.just(OBJECT), st.booleans()).map(lambda tool: Tool(*tool))
conversations = st.fixed_dictionaries({
    "system": st.lists(texts, max_size=2).map(tuple),
    "turns": st.lists(turns, min_size=1, max_size=4).map(parted),
    "tools": st.lists(tools, min_size=1, max_size=2).map(tuple),
    "choice": st.sampled_from([Choice(), Choice("auto"), Choice("none", parallel=True), Choice("any", parallel=False)]),
    "format": st.sampled_from([None, Format("json"), Format("schema", "out", OBJECT, True, "d"), Format("schema", "out", OBJECT)]),
    "sampling": st.sampled_from([Sampling(), Sampling(temperature=0.5, top_p=1, max_tokens=16), Sampling(temperature=2)]),
    "reasoning": st.sampled_from([None, Reasoning("low", shown=False), Reasoning("high", shown=True)]),
    "stream": st.booleans(),
    "usage_wanted": st.just(True),
    "user": st.just("") | names,
}).map(lambda nouns: Conversation(**nouns))  # fmt: skip


def plain(conversation):
    """The conversation without what only this dialect notes, and with the names of called tools where results say them."""
    return conversation._replace(
        tools=tuple(tool._replace(rest={}) for tool in conversation.tools),
        turns=tuple(
            turn._replace(parts=tuple(part._replace(name="") if isinstance(part, Result) else part for part in turn.parts))
            for turn in conversation.turns
        ),
    )


@FEW
@given(conversations)
def test_a_conversation_is_the_same_after_it_was_written_and_read(conversation):
    out = CONVERTER.write_request(conversation, "m", None)
    read, losses = CONVERTER.read_request(out.path, orjson.loads(orjson.dumps(out.body)))

    assert ([], []) == (list(out.losses), list(losses))
    assert plain(conversation) == plain(read)


@FEW
@given(conversations)
def test_the_gateway_reads_every_request_that_is_written(conversation):
    RESPONSES.decode(RESPONSE, orjson.dumps(CONVERTER.write_request(conversation, "m", None).body))


@FEW
@given(said, st.integers(1, 9))
def test_a_stream_and_a_whole_answer_tell_the_same(parts, size):
    calls = any(isinstance(part, Call) for part in parts)
    finish = Finish.TOOL_CALLS if calls else Finish.STOP
    whole = CONVERTER.read_answer(orjson.loads(orjson.dumps(written(answer(*parts, finish=finish)))))
    stream = folded(items_of([streamed(told(parts, finish, size))]))

    assert (list(parts), finish) == (list(whole.alternatives[0].parts), whole.alternatives[0].finish)
    assert (list(parts), finish) == (list(stream.alternatives[0].parts), stream.alternatives[0].finish)
    assert whole.usage == stream.usage


scalars = st.sampled_from([None, True, 5, -1.5, "", "x", "message", "user", "function", "reasoning", "json_schema"])
objects = st.dictionaries(
    st.sampled_from(["type", "role", "content", "text", "name", "tools", "summary", "output"]), scalars, max_size=4
)
trees = scalars | objects | st.lists(scalars | objects, max_size=2)
nested = st.dictionaries(
    st.sampled_from(["type", "role", "content", "format", "mode", "tools", "output", "call_id"]), trees, max_size=4
)
MEMBERS = ("input", "instructions", "tools", "tool_choice", "text", "reasoning", "include", "temperature", "stream", "metadata")


@FEW
@given(st.dictionaries(st.sampled_from(MEMBERS), trees | nested | st.lists(nested, max_size=2), max_size=4))
def test_any_body_is_read_or_refused(body):
    try:
        CONVERTER.read_request("", {"model": "m", **body})
    except WireError as error:
        assert error.code == "bad_parameter"
