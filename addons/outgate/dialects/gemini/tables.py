"""Tables of the Gemini API: every member of its bodies (ai.google.dev/api/generate-content, /embeddings), its words.

Servers read proto3 JSON: each member has two spellings, `systemInstruction` and `system_instruction`, and both stand here.
"""

import re
from collections.abc import Mapping
from typing import Any

from outgate.dialects.rules import EVERYTHING, REACH, STATE, Rule, free, schema
from outgate.inference.prompt import Channel
from outgate.inference.stream import Finish

ERROR_TYPES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
FINISHES = {
    "STOP": Finish.STOP,
    "FUNCTION_CALL": Finish.TOOL_CALLS,  # servers of this API that are not Google's
    "MAX_TOKENS": Finish.LENGTH,
    "SAFETY": Finish.CONTENT_FILTER,
    "RECITATION": Finish.CONTENT_FILTER,
    "BLOCKLIST": Finish.CONTENT_FILTER,
    "PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "SPII": Finish.CONTENT_FILTER,
    "MODEL_ARMOR": Finish.CONTENT_FILTER,
    "IMAGE_SAFETY": Finish.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "IMAGE_RECITATION": Finish.CONTENT_FILTER,
}
NO_STATE: frozenset[str] = frozenset()
ROLES = {"user": Channel.USER, "model": Channel.ASSISTANT, "function": Channel.TOOL_RESULT, "": Channel.USER}
_CAPITAL = re.compile("[A-Z]")
_IMAGES = frozenset(f"image/{each}" for each in ("png", "jpeg", "webp", "heic", "heif", "gif"))
_SOUNDS = frozenset(f"audio/{each}" for each in ("wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac", "pcm", "webm"))
_FILES = frozenset({
    "application/pdf", "text/plain", "text/html", "text/css", "text/csv", "text/md", "text/markdown", "text/xml", "video/mp4",
    "video/mpeg", "video/mov", "video/quicktime", "video/avi", "video/webm", "video/wmv", "video/3gpp",
})  # fmt: skip
_MEDIA = {**dict.fromkeys(_IMAGES, "image"), **dict.fromkeys(_SOUNDS, "audio"), **dict.fromkeys(_FILES, "file")}


def other_spelling(name: str) -> str:
    """`system_instruction` for `systemInstruction`."""
    return _CAPITAL.sub(lambda found: f"_{found[0].lower()}", name)


def _spelled(members: Any) -> Any:
    """Names, or what stands under names, in both spellings."""
    if isinstance(members, Mapping):
        return {spelling: value for name, value in members.items() for spelling in (name, other_spelling(name))}
    return {spelling for name in members for spelling in (name, other_spelling(name))}


_NAMED = ("texts", "fixed", "rules", "names", "blobs", "links", "sealed", "state", "reach")


def _rule(channel: Channel, **parts: Any) -> Rule:
    """A rule of members in both spellings."""
    return Rule(
        channel,
        **{name: _spelled(part) if name in _NAMED and part is not EVERYTHING else part for name, part in parts.items()},
    )


def _one_of(*values: str) -> frozenset[str]:
    return frozenset(values)


def _media(channel: Channel, **parts: Any) -> Rule:
    """Bytes, or the address of a file: its kind by its media type."""
    names = {"texts": {"displayName": channel}, **parts}

    def typed(kind: str, *types: str) -> Rule:
        return _rule(channel, kind=kind, fixed={"mimeType": frozenset(types)}, **names)

    cases = {each: typed(kind, each) for each, kind in _MEDIA.items()}
    other = Rule(channel, by="mime_type", cases={**cases, "": typed("unknown")}, **_of(typed("unknown")))
    return Rule(channel, by="mimeType", cases={**cases, "": other}, **_of(typed("unknown")))


def _of(rule: Rule) -> dict[str, Any]:
    """The parts of a rule for media of a type that nobody knows."""
    return {"kind": rule.kind, "texts": rule.texts, "blobs": rule.blobs, "links": rule.links}


def _part(channel: Channel) -> Rule:
    """A part of a content; thoughts, and what is sealed of them, are those of a model."""
    said = channel is Channel.ASSISTANT
    arguments, result = Channel.TOOL_ARGUMENTS, Channel.TOOL_RESULT
    data, file = _media(channel, blobs={"data"}), _media(channel, links={"fileUri"})
    call = _rule(
        arguments,
        texts={"name": arguments, "id": Channel.PARAMETER},
        rules={"args": free(arguments, state=NO_STATE)},
        names={"willContinue"},
    )
    returned = _rule(
        result,
        texts={"name": result, "id": Channel.PARAMETER},
        fixed={"scheduling": _one_of("SILENT", "WHEN_IDLE", "INTERRUPT")},
        rules={
            "response": free(result, state=NO_STATE),
            "parts": Rule(
                result,
                item=_rule(
                    result,
                    rules={"inlineData": _media(result, blobs={"data"}), "fileData": _media(result, links={"fileUri"})},
                    state={*STATE, "fileData"},
                ),
            ),
        },
        names={"willContinue"},
        whole="response",
    )
    shared = {
        "rules": {
            "inlineData": data,
            "fileData": file,
            "functionCall": call,
            "functionResponse": returned,
            "executableCode": free(arguments, state=NO_STATE),
            "codeExecutionResult": free(result, state=NO_STATE),
            "toolCall": free(arguments, state=NO_STATE),
            "toolResponse": free(result, state=NO_STATE),
            "videoMetadata": _rule(channel, names={"fps"}, texts=dict.fromkeys(("startOffset", "endOffset"), channel)),
            "mediaResolution": Rule(channel, names={"level"}),
        },
        "sealed": {"thoughtSignature"} if said else (),
        "names": {"thought", "thoughtSignature"},
        "state": {*STATE, "fileData"},
    }
    plain = _rule(channel, texts={"text": channel}, **shared)
    thought = _rule(Channel.REASONING, texts={"text": Channel.REASONING}, **shared) if said else plain
    return Rule(channel, by="thought", cases={"": plain, False: plain, True: thought})


def _content(channel: Channel) -> Rule:
    parts = Rule(channel, item=_part(channel))
    return _rule(channel, fixed={"role": _one_of(*ROLES, "system")}, rules={"parts": parts}, names={"role"})


_PARAMETER = Channel.PARAMETER


def _contents() -> Rule:
    cases = {role: _content(channel) for role, channel in ROLES.items()}
    return Rule(Channel.USER, item=Rule(Channel.USER, by="role", cases=cases), turns=True)


def _tools() -> Rule:
    channel = Channel.TOOL_DEFINITION
    declared = _rule(
        channel,
        texts=dict.fromkeys(("name", "description"), channel),
        fixed={"behavior": _one_of("UNSPECIFIED", "BLOCKING", "NON_BLOCKING")},
        rules=dict.fromkeys(("parameters", "parametersJsonSchema", "response", "responseJsonSchema"), schema(channel)),
    )
    tool = _rule(channel, rules={"functionDeclarations": Rule(channel, item=declared), "computerUse": free(channel)})
    return Rule(channel, item=tool)


_CONFIG = _rule(
    _PARAMETER,
    fixed={
        "responseMimeType": _one_of("text/plain", "application/json", "text/x.enum"),
        "mediaResolution": _one_of(*(f"MEDIA_RESOLUTION_{each}" for each in ("UNSPECIFIED", "LOW", "MEDIUM", "HIGH"))),
    },
    rules={
        "responseSchema": schema(_PARAMETER),
        "responseJsonSchema": schema(_PARAMETER),
        "thinkingConfig": _rule(
            _PARAMETER,
            fixed={
                "thinkingLevel": _one_of(
                    *(word for each in ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH") for word in (each, each.lower()))
                )
            },
            names={"includeThoughts", "thinkingBudget"},
        ),
    },
    names={
        "candidateCount", "maxOutputTokens", "stopSequences", "temperature", "topP", "topK", "presencePenalty", "frequencyPenalty",
        "seed", "responseLogprobs", "logprobs", "responseModalities", "speechConfig", "imageConfig", "enableEnhancedCivicAnswers",
        "audioTimestamp",
    },
)  # fmt: skip
_SAFETY = Rule(_PARAMETER, item=_rule(_PARAMETER, texts=dict.fromkeys(("category", "threshold", "method"), _PARAMETER)))
_CHOICE = _rule(
    _PARAMETER,
    rules={
        "functionCallingConfig": _rule(
            _PARAMETER,
            fixed={"mode": _one_of("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")},
            names={"allowedFunctionNames", "streamFunctionCallArguments"},
        ),
    },
    names={"retrievalConfig", "includeServerSideToolInvocations"},
)
_ASKED: dict[str, Any] = {
    "fixed": {"model": EVERYTHING, "serviceTier": _one_of("standard", "flex", "priority")},  # the caller's model never leaves
    "texts": {"systemInstruction": Channel.SYSTEM},
    "rules": {
        "contents": _contents(),
        "systemInstruction": _content(Channel.SYSTEM),
        "tools": _tools(),
        "toolConfig": _CHOICE,
        "generationConfig": _CONFIG,
        "safetySettings": _SAFETY,
        "labels": free(_PARAMETER, state=NO_STATE),
    },
    "state": {*STATE, "cachedContent"},
    "reach": REACH,
}
GENERATE = _rule(_PARAMETER, **_ASKED)
COUNT = _rule(_PARAMETER, **{**_ASKED, "rules": {**_ASKED["rules"], "generateContentRequest": GENERATE}})
_EMBED: dict[str, Any] = {
    "fixed": {"model": EVERYTHING},
    "texts": dict.fromkeys(("taskType", "title"), _PARAMETER),
    "rules": {"content": _content(Channel.USER)},
    "names": {"outputDimensionality"},
}
EMBED = _rule(
    _PARAMETER, **{**_EMBED, "rules": {**_EMBED["rules"], "requests": Rule(Channel.USER, item=_rule(_PARAMETER, **_EMBED))}}
)

_SAID = Channel.ASSISTANT
_QUIET: dict[str, Any] = {"names": EVERYTHING, "other": free(_SAID, names=EVERYTHING, numbers=False)}
_ARGUMENTS = free(Channel.TOOL_ARGUMENTS, state=NO_STATE)
_RESULT = free(Channel.TOOL_RESULT, names=EVERYTHING, numbers=False)


def _told(text: Channel) -> Rule:
    """A part of an answer."""
    call = _rule(
        Channel.TOOL_ARGUMENTS,
        texts={"name": Channel.TOOL_ARGUMENTS},
        fixed={"id": EVERYTHING},
        rules={"args": _ARGUMENTS, "partialArgs": _ARGUMENTS},
        names=EVERYTHING,
    )
    return _rule(
        _SAID,
        texts={"text": text, "thoughtSignature": Channel.REASONING},
        rules={
            "functionCall": call,
            "executableCode": _ARGUMENTS,
            "toolCall": _ARGUMENTS,
            "codeExecutionResult": _RESULT,
            "toolResponse": _RESULT,
            "inlineData": _rule(_SAID, fixed={"mimeType": EVERYTHING}, blobs={"data"}, **_QUIET),
        },
        **_QUIET,
    )


_PLAIN, _THOUGHT = _told(_SAID), _told(Channel.REASONING)
_PIECE = Rule(_SAID, by="thought", cases={"": _PLAIN, False: _PLAIN, True: _THOUGHT})
_RATED = Rule(
    _SAID, fixed=dict.fromkeys(("category", "probability", "severity", "blockReason", "block_reason"), EVERYTHING), **_QUIET
)
_RATED.rules = {"safetyRatings": Rule(_SAID, item=_RATED), "safety_ratings": Rule(_SAID, item=_RATED)}
_COUNTS = Rule(_SAID, fixed=dict.fromkeys(("modality", "trafficType", "traffic_type", "serviceTier"), EVERYTHING), **_QUIET)
_COUNTS.other = _COUNTS
_COUNTS.item = _COUNTS
RESPONSE = _rule(
    _SAID,
    fixed=dict.fromkeys(("responseId", "modelVersion", "createTime"), EVERYTHING),
    rules={
        "candidates": Rule(
            _SAID,
            item=_rule(
                _SAID,
                fixed={"finishReason": EVERYTHING},
                rules={
                    "content": Rule(_SAID, fixed={"role": EVERYTHING}, rules={"parts": Rule(_SAID, item=_PIECE)}, **_QUIET),
                    "safetyRatings": Rule(_SAID, item=_RATED),
                },
                **_QUIET,
            ),
        ),
        "promptFeedback": _RATED,
        "usageMetadata": _COUNTS,
    },
    **_QUIET,
)
VECTORS = Rule(_SAID, rules={"usageMetadata": _COUNTS}, **_QUIET)
MODELS = Rule(_SAID, **_QUIET)
