"""Completions, images, speech, transcriptions and moderations of OpenAI through the real gateway: text is judged, both ways."""

import openai
import pytest

from e2e.world import PASSING_ALL, World, http, lines, openai_client
from support import behaviours as b
from support.waiting import until

STAGES = """
admit_parts: {allow_unjudged: [image, file]}
redact: {}
prompt_guard: {phrases: [nightingale], channels: [user, parameter]}
output_phrases: {phrases: [kingfisher]}
count_tokens: {}
token_budget: {limit: 1000000}
"""
MAIL = "ada@example.com"
AUDIO, IMAGE = ("a.mp3", b"\xff\xfb\x90\x00" * 40, "audio/mpeg"), ("i.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "image/png")
CHOICE = {"index": 0, "logprobs": None, "finish_reason": "stop"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
COUNTS = {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14}


def completion(text):
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{**CHOICE, "text": text}],
        "usage": USAGE,
    }


def pictures(text):
    return {"created": 1, "data": [{"b64_json": "aW1n", "revised_prompt": text}], "usage": COUNTS}


ASKED = {
    "completions": lambda to, text: to.completions.create(model="m", prompt=text),
    "images": lambda to, text: to.images.generate(model="m", prompt=text),
    "edits": lambda to, text: to.images.edit(model="m", prompt=text, image=IMAGE),
    "speech": lambda to, text: to.audio.speech.create(model="m", voice="alloy", input=text),
    "transcriptions": lambda to, text: to.audio.transcriptions.create(model="m", file=AUDIO, prompt=text),
    "translations": lambda to, text: to.audio.translations.create(model="m", file=AUDIO, prompt=text),
    "moderations": lambda to, text: to.moderations.create(input=[{"type": "text", "text": text}]),
}
ANSWERED = {
    "completions": completion,
    "images": pictures,
    "edits": pictures,
    "transcriptions": lambda text: {"text": text, "usage": {"type": "tokens", **COUNTS}},
    "translations": lambda text: {"text": text},
    "moderations": lambda text: {
        "id": "modr-1",
        "model": text,
        "results": [{"flagged": False, "categories": {}, "category_scores": {}}],
    },
}
every = pytest.mark.parametrize("work", ASKED)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("works"), *providers)
    with world.inside(world.policy(PASSING_ALL + STAGES)) as gateway:
        yield gateway


@pytest.fixture(name="provider")
def _provider(providers):
    return providers[0]


def script(provider, work, text="Fine."):
    sound = b.answer_bytes(b"\xff\xfbsound", "audio/mpeg")
    provider.script(b.answer_json(ANSWERED[work](text)) if work in ANSWERED else sound)


@every
def test_the_sdk_is_answered_and_its_text_redacted(gateway, provider, work):
    script(provider, work)
    answer = ASKED[work](openai_client(gateway), f"write to {MAIL}")

    [seen] = provider.seen
    assert MAIL.encode() not in seen.body
    assert b"EMAIL_" in seen.body
    told = answer.content if work == "speech" else answer.model_dump_json().encode()
    assert (b"sound" if work == "speech" else b"Fine.") in told


@every
def test_a_guard_refuses_its_text(gateway, provider, work):
    with pytest.raises(openai.APIStatusError) as raised:
        ASKED[work](openai_client(gateway), "sing of the nightingale")

    assert ("prompt_refused", []) == (raised.value.code, provider.seen)


@pytest.mark.parametrize("work", ["completions", "images", "edits", "transcriptions", "translations"])
def test_a_guard_of_answers_reads_what_is_made(gateway, provider, work):
    script(provider, work, "a kingfisher dives")
    with pytest.raises(openai.APIStatusError) as raised:
        ASKED[work](openai_client(gateway), "hi")

    assert "kingfisher" not in str(raised.value)


@pytest.mark.parametrize("work", ["completions", "images", "transcriptions"])
def test_what_the_provider_counts_is_metered(gateway, provider, work):
    before = len(lines(gateway.world))
    script(provider, work)
    ASKED[work](openai_client(gateway), "hi")

    assert until(lambda: len(lines(gateway.world)) > before)
    line = lines(gateway.world)[-1]
    assert (9, 5) == (line["gen_ai.usage.input_tokens"], line["gen_ai.usage.output_tokens"])


def test_a_streamed_completion_is_judged(gateway, provider):
    pieces = [b'data: {"id":"c","object":"text_completion","model":"m","choices":[{"index":0,"text":"%s","finish_reason":%s}]}\n\n']
    said = [pieces[0] % (text, finish) for text, finish in ((b"a king", b"null"), (b"fisher", b"null"), (b"", b'"stop"'))]
    provider.script(b.sse([*said, b"data: [DONE]\n\n"]))
    with http(gateway) as client:
        asked = {"model": "m", "prompt": "hi", "stream": True}
        reply = client.post("https://api.openai.com/v1/completions", json=asked)

    assert "fisher" not in reply.text
    assert b'"include_usage":true' in provider.seen[0].body


def test_a_request_without_its_model_is_refused(gateway, provider):
    with http(gateway) as client:
        reply = client.post("https://api.openai.com/v1/images/generations", json={"prompt": "hi"})

    assert (400, "bad_parameter", []) == (reply.status_code, reply.headers["x-outgate-reason"], provider.seen)
