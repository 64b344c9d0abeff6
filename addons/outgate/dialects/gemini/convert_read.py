"""Reader of requests: a body of `generateContent` becomes a conversation. Members that nobody reads are told as lost.

Whether the answer is streamed stands in the path.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from outgate.dialects.gemini.convert_parts import PartReader
from outgate.dialects.gemini.convert_schema import json_schema
from outgate.dialects.gemini.parts import spelled
from outgate.dialects.parameters import bad, count, flag, number, thing, things, word
from outgate.errors import WireError
from outgate.inference.conversation import (
    Choice,
    Conversation,
    Format,
    Loss,
    Reasoning,
    Role,
    Sampling,
    Text,
    Tool,
    Turn,
)

_KNOWN = frozenset({"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "model"})
_LOST = {"labels": "metadata", "serviceTier": "service_tier"}
_ROLES = {"user": Role.USER, "function": Role.USER, "": Role.USER, "model": Role.ASSISTANT}
_MODES = {"": "", "MODE_UNSPECIFIED": "", "AUTO": "auto", "VALIDATED": "auto", "ANY": "any", "NONE": "none"}
_DECLARED = frozenset({"name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema"})
_IDLE: Mapping[str, Any] = {
    "behavior": "BLOCKING",
    "responseModalities": ["TEXT"],
    "mediaResolution": "MEDIA_RESOLUTION_UNSPECIFIED",
    "enableEnhancedCivicAnswers": False,
    "responseLogprobs": False,
}
"""Members that say nothing where they have these values."""
_OPEN = ("BLOCK_NONE", "OFF")
_CONFIG = frozenset({
    "responseMimeType", "responseSchema", "responseJsonSchema", "thinkingConfig", "candidateCount", "maxOutputTokens",
    "stopSequences", "temperature", "topP", "topK", "presencePenalty", "frequencyPenalty", "seed", "responseLogprobs", "logprobs",
})  # fmt: skip


def read_request(path: str, tree: Mapping[str, Any]) -> tuple[Conversation, Sequence[Loss]]:
    """See `translation.Converter`."""
    body, reader = spelled(tree), PartReader()
    if body.get("cachedContent"):
        raise WireError("bad_parameter", "`cachedContent` refers to what another provider keeps")
    config = spelled(thing(body, "generationConfig"))
    _lost(body, config, reader)
    tools = _tools(body, reader)
    choice, tools = _choice(spelled(thing(body, "toolConfig")), tools, reader)
    asked = Conversation(
        system=_system(body.get("systemInstruction"), reader),
        turns=tuple(_turn(each, reader, f"contents[{at}]") for at, each in enumerate(things(body.get("contents"), "contents"))),
        tools=tuple(tools),
        choice=choice,
        format=_format(config, reader),
        sampling=_sampling(config),
        reasoning=_reasoning(spelled(thing(config, "thinkingConfig"))),
        stream=":streamGenerateContent" in path,
        usage_wanted=True,
    )
    return asked, reader.losses


def _lost(body: Mapping[str, Any], config: Mapping[str, Any], reader: PartReader) -> None:
    for name in body:
        if name not in _KNOWN:
            reader.lose(_LOST.get(name, "members"), name if name in _LOST else "body")
    if any(spelled(each).get("threshold") not in _OPEN for each in things(body.get("safetySettings"), "safetySettings")):
        reader.lose("safety", "safetySettings")
    for name, value in config.items():
        if name not in _CONFIG and _IDLE.get(name) != value:
            reader.lose("members", "generationConfig")


def _system(content: Any, reader: PartReader) -> tuple[Text, ...]:
    if isinstance(content, str):
        return (Text(content),)
    parts = reader.parts(thing({"systemInstruction": content}, "systemInstruction").get("parts"), "systemInstruction", said=False)
    texts = tuple(part for part in parts if isinstance(part, Text))
    if len(texts) < len(parts):
        reader.lose("members", "systemInstruction")
    return texts


def _turn(content: Mapping[str, Any], reader: PartReader, where: str) -> Turn:
    role = _ROLES.get(word(content, "role"))
    if role is None:
        raise bad("role", "`user` or `model`")
    for name in content:
        if name not in ("role", "parts"):
            reader.lose("members", where)
    return Turn(role, reader.parts(content.get("parts"), f"{where}.parts", said=role is Role.ASSISTANT))


def _tools(body: Mapping[str, Any], reader: PartReader) -> list[Tool]:
    tools: list[Tool] = []
    for at, tool in enumerate(map(spelled, things(body.get("tools"), "tools"))):
        if tool.keys() - {"functionDeclarations"}:
            reader.lose("hosted_tools", f"tools[{at}]")
        declared = map(spelled, things(tool.get("functionDeclarations"), "functionDeclarations"))
        tools += (_tool(each, f"tools[{at}]", reader) for each in declared)
    return tools


def _tool(told: Mapping[str, Any], where: str, reader: PartReader) -> Tool:
    for name, value in told.items():
        if name not in _DECLARED and _IDLE.get(name) != value:
            reader.lose("members", where)
    own = thing(told, "parametersJsonSchema") or json_schema(thing(told, "parameters"))
    return Tool(word(told, "name"), word(told, "description"), own or None)


def _choice(config: Mapping[str, Any], tools: list[Tool], reader: PartReader) -> tuple[Choice, list[Tool]]:
    """Which functions may be called: where only some of them may, the others are left away."""
    if config.keys() - {"functionCallingConfig"}:
        reader.lose("hosted_tools", "toolConfig")
    told = spelled(thing(config, "functionCallingConfig"))
    mode = word(told, "mode")
    if mode not in _MODES:
        raise bad("mode", "`AUTO`, `ANY`, `NONE` or `VALIDATED`")
    if mode == "VALIDATED":
        reader.lose("strict", "toolConfig")
    allowed = told.get("allowedFunctionNames")
    if not allowed or mode not in ("ANY", "VALIDATED"):
        return Choice(_MODES[mode]), tools
    if not isinstance(allowed, list):
        raise bad("allowedFunctionNames", "an array of strings")
    if mode == "ANY" and len(allowed) == 1 and isinstance(allowed[0], str):
        return Choice("tool", allowed[0]), tools
    return Choice(_MODES[mode]), [tool for tool in tools if tool.name in allowed]


def _format(config: Mapping[str, Any], reader: PartReader) -> Format | None:
    kind = word(config, "responseMimeType")
    schema = thing(config, "responseJsonSchema") or json_schema(thing(config, "responseSchema"))
    if kind in ("", "text/plain"):
        return None
    if kind != "application/json":
        reader.lose("format", "responseMimeType")
        return None
    return Format("schema", schema=schema) if schema else Format("json")


def _sampling(config: Mapping[str, Any]) -> Sampling:
    stops = config.get("stopSequences") or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise bad("stopSequences", "an array of strings")
    top_k = number(config, "topK")
    return Sampling(
        temperature=number(config, "temperature"),
        top_p=number(config, "topP"),
        top_k=None if top_k is None else int(top_k),
        max_tokens=count(config, "maxOutputTokens"),
        n=count(config, "candidateCount"),
        seed=None if config.get("seed") is None else int(number(config, "seed") or 0),
        presence=number(config, "presencePenalty"),
        frequency=number(config, "frequencyPenalty"),
        logprobs=(count(config, "logprobs") if config.get("logprobs") else 0) if flag(config, "responseLogprobs") else None,
        stop=tuple(stops),
    )


def _reasoning(config: Mapping[str, Any]) -> Reasoning | None:
    """A model of this API thinks as it likes where nobody says how much."""
    budget = config.get("thinkingBudget")
    if budget is not None and budget.__class__ is not int:
        raise bad("thinkingBudget", "a whole number")
    effort = word(config, "thinkingLevel").lower()
    shown = flag(config, "includeThoughts") if config.get("includeThoughts") is not None else None
    if not effort and budget is None:
        return Reasoning(budget=-1, shown=True) if shown else None
    return Reasoning(effort, budget, shown)
