"""Places of each channel in the Gemini API, those of every dialect together, and those in answers of what no client speaks."""

from collections.abc import Callable, Mapping

import orjson

from outgate.dialects.gemini import tables
from outgate.inference.prompt import Channel
from support import bedrock_answers as bedrock
from support import gemini_answers as google
from support.guard_places import CIPHER, FIXED, PLACES, SAID, Asked, Body, Speech, Told, cut, named, quoted

C = Channel


def _contents(*contents: Body) -> Body:
    return {"contents": [_content("user", {"text": "hi"}), *contents]}


def _content(role: str, *parts: Body) -> Body:
    return {"role": role, "parts": list(parts)}


def _ran(arguments: Body) -> Body:
    return _content("model", google.call("look", arguments))


def returned(text: str) -> Body:
    return _content("user", {"functionResponse": {"name": "look", "response": {"output": text}}})


def _mused(text: str, signature: str) -> Body:
    return _contents(
        _content("model", {"text": text, "thought": True, "thoughtSignature": signature}), _content("user", {"text": "go on"})
    )


GOOGLE_ASKED = {
    C.SYSTEM: Asked(lambda text: {"systemInstruction": {"parts": [{"text": text}]}}, FIXED),
    C.USER: Asked(lambda text: {"contents": [_content("user", {"text": text})]}),
    C.ASSISTANT: Asked(lambda text: _contents(_content("model", {"text": text}), _content("user", {"text": "go on"})), SAID),
    C.REASONING: Asked(lambda text: _mused(text, CIPHER), FIXED),
    C.TOOL_RESULT: Asked(lambda text: _contents(_ran({}), returned(text))),
    C.TOOL_ARGUMENTS: Asked(lambda text: _contents(_ran(quoted(text)), returned("ok")), SAID),
    C.KEY: Asked(lambda text: _contents(_ran(named(text)), returned("ok")), SAID),
    C.TOOL_DEFINITION: Asked(lambda text: {"tools": [{"functionDeclarations": [{"name": "look", "description": text}]}]}, FIXED),
    C.PARAMETER: Asked(lambda text: {"labels": {"team": text}}, FIXED),
    C.SEALED: Asked(lambda text: _mused("so", text), FIXED, C.REASONING),
}


def _parts(*parts: Body) -> bytes:
    return google.stream(*map(google.chunk, parts), google.last())


def _part(part: Callable[[str], Body], *, cut_up: bool = False) -> Told:
    return Told(
        lambda text: google.content(part(text)), lambda text: _parts(*map(part, cut(text))) if cut_up else _parts(part(text))
    )


_GOOGLE_TOLD = {
    C.ASSISTANT: _part(lambda text: {"text": text}, cut_up=True),
    C.REASONING: _part(lambda text: {"text": text, "thought": True}, cut_up=True),
    C.TOOL_ARGUMENTS: _part(lambda text: google.call("look", quoted(text))),
    C.KEY: _part(lambda text: google.call("look", named(text))),
    C.TOOL_RESULT: _part(lambda text: {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": text}}),
}

SPEECHES: dict[str, Speech] = {
    **PLACES,
    "gemini": Speech(
        "gemini",
        lambda stream: f"/v1beta/models/{google.MODEL}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}",
        lambda _: {"contents": [_content("user", {"text": "hi"})]},
        (tables.GENERATE, tables.RESPONSE, tables.RESPONSE),
        GOOGLE_ASKED,
        _GOOGLE_TOLD,
    ),
}


def _thoughts(text: str) -> bytes:
    pieces = (bedrock.delta(0, reasoningContent={"text": piece}) for piece in cut(text))
    return b"".join(bedrock.events([*pieces, bedrock.stopped(0)], bedrock.said(["so"], index=1)))


def _calls(text: str) -> bytes:
    return b"".join(bedrock.events(bedrock.called("look", cut(orjson.dumps(quoted(text)).decode())), stop="tool_use"))


_BEDROCK_TOLD = {
    C.ASSISTANT: Told(lambda text: bedrock.whole({"text": text}), lambda text: b"".join(bedrock.events(bedrock.said(cut(text))))),
    C.REASONING: Told(lambda text: bedrock.whole({"reasoningContent": {"reasoningText": {"text": text}}}), _thoughts),
    C.TOOL_ARGUMENTS: Told(
        lambda text: bedrock.whole({"toolUse": {"toolUseId": "t_1", "name": "look", "input": quoted(text)}}, stop="tool_use"),
        _calls,
    ),
}
TOLD: dict[str, Mapping[C, Told]] = {**{name: speech.told for name, speech in SPEECHES.items()}, "bedrock": _BEDROCK_TOLD}
"""Places in the answers of every API that a provider is asked in."""
