"""Places of texts in work that is no conversation, by dialect and kind: see `support.guard_places`.

An image, a sound, a vector and a count are no text: they have no place. Forms have no table, so that their channels stand here.
"""

from collections.abc import Callable

from outgate.dialects.anthropic import tables as anthropic
from outgate.dialects.form import Part, written
from outgate.dialects.gemini import tables as gemini
from outgate.dialects.openai import tables as openai
from outgate.dialects.openai import work_tables as works
from outgate.inference.prompt import Channel
from support import gemini_answers as google
from support import openai_answers as chat
from support.guard_places import FIXED, PLACES, SAID, Asked, Body, Speech, Told, cut, quoted
from support.speeches import GOOGLE_ASKED, returned
from support.sse import event

C = Channel
_SOUND = b"\xff\xfb\x90\x00" * 9
_CHOICE = {"index": 0, "logprobs": None, "finish_reason": None}


def _member(name: str, **more: str) -> Asked:
    return Asked(lambda text: {name: text}, FIXED, **more)


_KEY = Asked(lambda text: {text: 1}, FIXED)


def _form(body: Body) -> tuple[str, bytes]:
    fields = (Part(name, str(value).encode()) for name, value in body.items())
    return written((*fields, Part("file", _SOUND, "a.mp3", "audio/mpeg")))


def _json_of(**members: object) -> Callable[[str], Body]:
    """A whole answer with these members, of which the one that is None is the text."""
    return lambda text: {name: text if value is None else value for name, value in members.items()}


def _completed(text: str) -> bytes:
    pieces = [{"id": "c", "object": "text_completion", "choices": [{**_CHOICE, "text": piece}]} for piece in cut(text)]
    last = {"id": "c", "object": "text_completion", "choices": [{**_CHOICE, "text": "", "finish_reason": "stop"}]}
    return b"".join(map(event, (*pieces, last))) + b"data: [DONE]\n\n"


def _transcript(text: str) -> bytes:
    told = [{"type": "transcript.text.delta", "delta": piece} for piece in cut(text)]
    return b"".join(map(event, (*told, {"type": "transcript.text.done", "text": text})))


def _drawn(text: str) -> bytes:
    return event({"type": "image_generation.completed", "b64_json": "aW1n", "revised_prompt": text})


_SAID = frozenset({C.ASSISTANT})
_ASKED = {C.USER: _member("prompt"), C.PARAMETER: _member("user"), C.KEY: _KEY}
_MODEL = {"model": "m"}

WORK_SPEECHES: dict[str, Speech] = {
    "openai text_completion": Speech(
        "openai",
        lambda _: "/v1/completions",
        lambda stream: {**_MODEL, "prompt": "hi", "stream": stream},
        (works.COMPLETIONS, _SAID, _SAID),  # its answers are read by the table of conversations: calls of tools have no place here
        _ASKED,
        {C.ASSISTANT: Told(lambda text: {"object": "text_completion", "choices": [{**_CHOICE, "text": text}]}, _completed)},
    ),
    "openai image_generation": Speech(
        "openai",
        lambda _: "/v1/images/generations",
        lambda stream: {**_MODEL, "prompt": "hi", "stream": stream},
        (works.IMAGES, works.MADE, works.MADE_EVENT),
        _ASKED,
        {C.ASSISTANT: Told(lambda text: {"data": [{"b64_json": "aW1n", "revised_prompt": text}]}, _drawn)},
    ),
    "openai speech": Speech(
        "openai",
        lambda _: "/v1/audio/speech",
        lambda stream: {**_MODEL, "input": "hi", "voice": "alloy", **({"stream_format": "sse"} if stream else {})},
        (works.SPEECH, frozenset(), works.MADE_EVENT),
        {C.USER: _member("input"), C.PARAMETER: _member("voice"), C.KEY: _KEY},
        {C.ASSISTANT: Told(lambda _: {}, lambda text: event({"type": "speech.audio.done", "note": text}))},
        reply=b"Fine.",
    ),
    "openai transcription": Speech(
        "openai",
        lambda _: "/v1/audio/transcriptions",
        lambda stream: {**_MODEL, "stream": "true" if stream else "false"},
        (frozenset({C.USER, C.PARAMETER}), works.MADE, works.MADE_EVENT),
        {C.USER: _member("prompt"), C.PARAMETER: _member("language")},
        {C.ASSISTANT: Told(_json_of(text=None), _transcript)},
        written=_form,
    ),
    "openai moderation": Speech(
        "openai",
        lambda _: "/v1/moderations",
        lambda _: {**_MODEL, "input": "hi"},
        (works.MODERATION, works.MADE, frozenset()),
        {C.USER: _member("input"), C.PARAMETER: _member("user"), C.KEY: _KEY},
        {C.ASSISTANT: Told(_json_of(results=[], note=None), None)},
        streams=False,
    ),
    "openai embeddings": Speech(
        "openai",
        lambda _: "/v1/embeddings",
        lambda _: {**_MODEL, "input": "hi"},
        (openai.EMBEDDINGS, _SAID, frozenset()),
        {C.USER: _member("input"), C.PARAMETER: _member("user"), C.KEY: _KEY},
        {C.ASSISTANT: Told(lambda text: {**chat.embeddings(1, "m"), "note": text}, None)},
        streams=False,
    ),
    "anthropic count_tokens": Speech(
        "anthropic",
        lambda _: "/v1/messages/count_tokens",
        lambda _: {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]},
        (anthropic.MESSAGES, _SAID, frozenset()),
        PLACES["anthropic"].asked,
        {C.ASSISTANT: Told(_json_of(input_tokens=5, note=None), None)},
        streams=False,
    ),
    "gemini count_tokens": Speech(
        "gemini",
        lambda _: f"/v1beta/models/{google.MODEL}:countTokens",
        lambda _: {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        (gemini.COUNT, _SAID, frozenset()),
        GOOGLE_ASKED,
        {C.ASSISTANT: Told(_json_of(totalTokens=5, note=None), None)},
        streams=False,
    ),
    "gemini embeddings": Speech(
        "gemini",
        lambda _: f"/v1beta/models/{google.MODEL}:embedContent",
        lambda _: {"content": {"parts": [{"text": "hi"}]}},
        (gemini.EMBED, _SAID, frozenset()),
        {
            C.USER: Asked(lambda text: {"content": {"parts": [{"text": text}]}}, FIXED),
            C.PARAMETER: _member("title"),
            C.TOOL_RESULT: Asked(lambda text: {"content": returned(text)}, SAID),
            C.TOOL_ARGUMENTS: Asked(lambda text: {"content": {"parts": [google.call("look", quoted(text))]}}, FIXED),
            C.KEY: _KEY,
        },
        {C.ASSISTANT: Told(_json_of(embedding={"values": [0.5]}, note=None), None)},
        streams=False,
    ),
}
