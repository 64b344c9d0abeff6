"""Streams of images, speech and transcriptions, and transcripts as text and subtitles, through the real gateway and the SDK."""

import base64
from threading import Event

import openai
import pytest

from e2e.world import PASSING_ALL, World, http, lines, openai_client
from support import behaviours as b
from support.sse import event, named
from support.waiting import until

STAGES = """
admit_parts: {allow_unjudged: [image, file]}
redact: {}
prompt_guard: {phrases: [nightingale], channels: [user, parameter]}
output_phrases: {phrases: [kingfisher]}
"""
AUDIO, IMAGE = ("a.mp3", b"\xff\xfb\x90\x00" * 40, "audio/mpeg"), ("i.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "image/png")
COUNTS = {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14}
PICTURE = base64.b64encode(b"picture" * 900_000).decode()
"""Longer than an event of a conversation may be."""


def pictures(stem):
    more = {"created_at": 1, "size": "1024x1024", "quality": "high", "background": "auto", "output_format": "png"}
    partial = {"type": f"{stem}.partial_image", "b64_json": "cGFydA==", "partial_image_index": 0, **more}
    whole = {"type": f"{stem}.completed", "b64_json": PICTURE, "usage": COUNTS, **more}
    return [named(each["type"], each) for each in (partial, whole)]


def speech():
    sounds = [{"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()} for piece in (b"so", b"und")]
    return [event(each) for each in (*sounds, {"type": "speech.audio.done", "usage": COUNTS})]


def transcript(*pieces):
    told = [
        {"type": "transcript.text.delta", "delta": piece, "logprobs": [{"token": piece, "logprob": 0, "bytes": [*piece.encode()]}]}
        for piece in pieces
    ]
    whole = {"type": "transcript.text.done", "text": "".join(pieces), "usage": {"type": "tokens", **COUNTS}}
    return [event(each) for each in (*told, whole)]


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("media"), *providers)
    with world.inside(world.policy(PASSING_ALL + STAGES)) as gateway:
        yield gateway


@pytest.fixture(name="provider")
def _provider(providers):
    return providers[0]


def metered(gateway, before):
    assert until(lambda: len(lines(gateway.world)) > before)
    line = lines(gateway.world)[-1]
    return line["gen_ai.usage.input_tokens"], line["gen_ai.usage.output_tokens"]


@pytest.mark.parametrize("stem", ["image_generation", "image_edit"])
def test_images_come_as_they_are_made(gateway, provider, stem):
    before = len(lines(gateway.world))
    provider.script(b.sse(pictures(stem)))
    images, asked = openai_client(gateway).images, {"model": "m", "prompt": "write to ada@example.com", "partial_images": 1}
    came = images.generate(**asked, stream=True) if "gen" in stem else images.edit(**asked, image=[IMAGE, IMAGE], stream=True)
    told = list(came)

    assert [f"{stem}.partial_image", f"{stem}.completed"] == [each.type for each in told]
    assert ["cGFydA==", PICTURE] == [each.b64_json for each in told]
    assert b"EMAIL_" in provider.seen[0].body
    assert (9, 5) == metered(gateway, before)


def test_speech_comes_event_by_event(gateway, provider):
    before = len(lines(gateway.world))
    provider.script(b.sse(speech()))
    asked = {"model": "m", "voice": "alloy", "input": "hi", "stream_format": "sse"}
    with openai_client(gateway).audio.speech.with_streaming_response.create(**asked) as reply:
        text = b"".join(reply.iter_bytes()).decode()

    assert ["speech.audio.delta"] * 2 + ["speech.audio.done"] == [line.split('"')[3] for line in text.split("\n\n")[:-1]]
    assert (9, 5) == metered(gateway, before)


def test_bytes_of_speech_come_as_they_are_made(gateway, provider):
    heard = Event()
    provider.script(b.held([b"\xff\xfbfirst", b"second"], heard.is_set, ("content-type", "audio/mpeg")))
    asked = {"model": "m", "voice": "alloy", "input": "hi", "stream_format": "audio"}
    with openai_client(gateway).audio.speech.with_streaming_response.create(**asked) as reply:
        came = reply.iter_bytes()
        first = next(came)
        heard.set()
        assert first.startswith(b"\xff\xfbfir"), "what could begin a repeated credential waits for more"
        assert b"\xff\xfbfirstsecond" == first + b"".join(came)


def transcribed(gateway, **asked):
    return openai_client(gateway).audio.transcriptions.create(model="m", file=AUDIO, **asked)


def test_a_transcript_comes_in_pieces(gateway, provider):
    before = len(lines(gateway.world))
    provider.script(b.sse(transcript("a wren", " sings")))
    told = list(transcribed(gateway, stream=True, include=["logprobs"]))

    assert ["a wren", " sings"] == [each.delta for each in told[:-1]]
    assert "a wren sings" == told[-1].text
    assert (9, 5) == metered(gateway, before)


def test_a_phrase_that_is_cut_by_pieces_of_a_transcript_is_found(gateway, provider):
    provider.script(b.sse(transcript("a king", "fisher dives")))
    heard = []
    with pytest.raises(openai.APIError):
        heard.extend(each.delta for each in transcribed(gateway, stream=True))

    assert "fisher" not in "".join(heard)


def test_a_segment_of_a_speaker_is_judged(gateway, provider):
    segment = {"type": "transcript.text.segment", "id": "s", "start": 0, "end": 1, "speaker": "A", "text": "a kingfisher"}
    provider.script(b.sse([event(segment), *transcript("a")]))
    with pytest.raises(openai.APIError):
        list(transcribed(gateway, stream=True, response_format="diarized_json", extra_body={"chunking_strategy": "auto"}))


def test_a_transcript_of_a_compatible_server_is_judged(gateway, provider):
    chunk = {"id": "trsc-1", "object": "transcription.chunk", "created": 1, "model": "m"}
    choices = [[{"delta": {"content": piece}}] for piece in ("a king", "fisher")]
    provider.script(b.sse([*(event({**chunk, "choices": each}) for each in choices), b"data: [DONE]\n\n"]))
    with http(gateway) as client:
        form = {"data": {"model": "m", "stream": "true"}, "files": {"file": AUDIO}}
        reply = client.post("https://api.openai.com/v1/audio/transcriptions", **form)

    assert "king" not in reply.text
    assert "answer_refused" in reply.text


SRT = "1\n00:00:00,000 --> 00:00:02,000\nA {} dives.\n"
FORMS = {"text": "A {} dives.\n", "srt": SRT, "vtt": "WEBVTT\n\n" + SRT.replace(",", ".")}
every = pytest.mark.parametrize("form", FORMS)


@every
def test_a_transcript_as_text_is_carried(gateway, provider, form):
    provider.script(b.answer_bytes(FORMS[form].format("wren").encode(), "text/plain; charset=utf-8"))

    assert FORMS[form].format("wren") == transcribed(gateway, response_format=form)


@every
def test_a_phrase_in_a_transcript_as_text_is_found(gateway, provider, form):
    provider.script(b.answer_bytes(FORMS[form].format("kingfisher").encode(), "text/plain; charset=utf-8"))
    with pytest.raises(openai.APIStatusError) as raised:
        transcribed(gateway, response_format=form)

    assert "answer_refused" == raised.value.code


@pytest.mark.parametrize(
    "behaviour",
    [b.truncated(pictures("image_generation")[:1]), b.reset("body", pictures("image_generation")[:1])],
    ids=["end", "reset"],
)
def test_images_that_break_off_end_in_an_error(gateway, provider, behaviour):
    provider.script(behaviour)
    with pytest.raises(openai.APIError):
        list(openai_client(gateway).images.generate(model="m", prompt="hi", stream=True))


def test_a_page_is_no_transcript(gateway, provider):
    provider.script(b.answer_bytes(b"<html>busy</html>", "text/html"))
    with pytest.raises(openai.InternalServerError):
        transcribed(gateway, response_format="text")
