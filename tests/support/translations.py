"""Requests of each dialect with one feature, for what becomes of it in others; answers of each provider that call a tool."""

from collections.abc import Mapping
from typing import Any

import orjson

from outgate.dialects.sse import SseParser
from support import anthropic_answers as anthropic
from support import bedrock_answers as bedrock
from support import gemini_answers as gemini
from support import openai_answers as openai
from support.tool_calls import ARGUMENTS, answering

IMAGE = "aW1hZ2U="
URL = "https://a.test/i.png"
PDF = f"data:application/pdf;base64,{IMAGE}"
SCHEMA = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"], "additionalProperties": False}
RESULT = "seven routers"
_CALL = {"name": "reset", "arguments": ARGUMENTS}
_DEVICE = {"device": "router"}


def _chat(*messages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}, *messages], **more}


def _chat_image(url: str) -> dict[str, Any]:
    return _chat({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]})


def _item(*items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "input": [{"role": "user", "content": "hi"}, *items], **more}


def _item_image(url: str) -> dict[str, Any]:
    return _item({"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "auto"}]})


def _message(*messages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}, *messages], **more}


def _message_image(source: Mapping[str, Any]) -> dict[str, Any]:
    return _message({"role": "user", "content": [{"type": "image", "source": source}]})


def _content(*contents: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}, *contents], **more}


def _part(role: str, **part: Any) -> dict[str, Any]:
    return {"role": role, "parts": [part]}


def _config(**config: Any) -> dict[str, Any]:
    return _content(generationConfig=config)


_RESET = [{"functionDeclarations": [{"name": "reset", "parameters": {"type": "OBJECT"}}]}]


def _block(role: str, **block: Any) -> dict[str, Any]:
    return {"role": role, "content": [block]}


FEATURES: dict[str, dict[str, dict[str, Any]]] = {
    "openai": {
        "text": _chat(),
        "system text": _chat({"role": "system", "content": "be kind"}),
        "tools": _chat(tools=[{"type": "function", "function": {"name": "reset", "parameters": {"type": "object"}}}]),
        "one tool required": _chat(
            tools=[{"type": "function", "function": {"name": "reset", "parameters": {"type": "object"}}}],
            tool_choice={"type": "function", "function": {"name": "reset"}},
        ),
        "tool result": _chat(
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": _CALL}]},
            {"role": "tool", "tool_call_id": "c1", "content": RESULT},
        ),
        "custom tools": _chat(tools=[{"type": "custom", "custom": {"name": "patch"}}]),
        "image": _chat_image(f"data:image/png;base64,{IMAGE}"),
        "image by URL": _chat_image(URL),
        "schema": _chat(response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}}),
        "JSON mode": _chat(response_format={"type": "json_object"}),
        "reasoning": _chat(reasoning_effort="low"),
        "temperature": _chat(temperature=0.5),
        "temperature above 1": _chat(temperature=1.5),
        "stop": _chat(stop=["END"]),
        "seed": _chat(seed=7),
        "n": _chat(n=2),
        "penalties": _chat(presence_penalty=0.5),
        "logprobs": _chat(logprobs=True, top_logprobs=2),
        "file": _chat(
            {"role": "user", "content": [{"type": "file", "file": {"file_data": f"data:application/pdf;base64,{IMAGE}"}}]}
        ),
        "user": _chat(user="u"),
        "metadata": _chat(metadata={"a": "b"}),
        "unknown member": _chat(novelty=True),
    },
    "responses": {
        "text": _item(),
        "system text": _item(instructions="be kind"),
        "tools": _item(tools=[{"type": "function", "name": "reset", "parameters": {"type": "object"}, "strict": False}]),
        "one tool required": _item(
            tools=[{"type": "function", "name": "reset", "parameters": {"type": "object"}, "strict": False}],
            tool_choice={"type": "function", "name": "reset"},
        ),
        "tool result": _item(
            {"type": "function_call", "call_id": "c1", **_CALL},
            {"type": "function_call_output", "call_id": "c1", "output": RESULT},
        ),
        "custom tools": _item(tools=[{"type": "custom", "name": "patch"}]),
        "hosted tools": _item(tools=[{"type": "web_search"}]),
        "image": _item_image(f"data:image/png;base64,{IMAGE}"),
        "image by URL": _item_image(URL),
        "schema": _item(text={"format": {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True}}),
        "JSON mode": _item(text={"format": {"type": "json_object"}}),
        "reasoning": _item(reasoning={"effort": "low"}),
        "temperature": _item(temperature=0.5),
        "temperature above 1": _item(temperature=1.5),
        "user": _item(user="u"),
        "metadata": _item(metadata={"a": "b"}),
        "document": _item({"role": "user", "content": [{"type": "input_file", "file_data": PDF}]}),
        "unknown member": _item(novelty=True),
    },
    "anthropic": {
        "text": _message(),
        "system text": _message(system="be kind"),
        "tools": _message(tools=[{"name": "reset", "input_schema": {"type": "object"}}]),
        "one tool required": _message(
            tools=[{"name": "reset", "input_schema": {"type": "object"}}], tool_choice={"type": "tool", "name": "reset"}
        ),
        "tool result": _message(
            _block("assistant", type="tool_use", id="c1", name="reset", input=_DEVICE),
            _block("user", type="tool_result", tool_use_id="c1", content=RESULT),
        ),
        "hosted tools": _message(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
        "image": _message_image({"type": "base64", "media_type": "image/png", "data": IMAGE}),
        "image by URL": _message_image({"type": "url", "url": URL}),
        "schema": _message(output_config={"format": {"type": "json_schema", "schema": SCHEMA}}),
        "reasoning": _message(thinking={"type": "enabled", "budget_tokens": 1024}),
        "temperature": _message(temperature=0.5),
        "stop": _message(stop_sequences=["END"]),
        "top_k": _message(top_k=3),
        "user": _message(metadata={"user_id": "u"}),
        "document": _message(
            _block("user", type="document", source={"type": "base64", "media_type": "application/pdf", "data": IMAGE})
        ),
        "signature of a thought": _message(_block("assistant", type="thinking", thinking="hm", signature="c2ln")),
        "cache marks": _message(system=[{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}]),
        "unknown member": _message(novelty=True),
    },
    "gemini": {
        "text": _content(),
        "system text": _content(systemInstruction={"parts": [{"text": "be kind"}]}),
        "tools": _content(tools=_RESET),
        "one tool required": _content(
            tools=_RESET, toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["reset"]}}
        ),
        "tool result": _content(
            _part("model", functionCall={"name": "reset", "args": _DEVICE}),
            _part("user", functionResponse={"name": "reset", "response": {"output": RESULT}}),
        ),
        "failed tool result": _content(
            _part("model", functionCall={"name": "reset", "args": _DEVICE}),
            _part("user", functionResponse={"name": "reset", "response": {"error": RESULT}}),
        ),
        "hosted tools": _content(tools=[{"googleSearch": {}}]),
        "image": _content(_part("user", inlineData={"mimeType": "image/png", "data": IMAGE})),
        "image by URL": _content(_part("user", fileData={"mimeType": "image/png", "fileUri": URL})),
        "file kept at Google": _content(
            _part("user", fileData={"mimeType": "image/png", "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a"})
        ),
        "document": _content(_part("user", inlineData={"mimeType": "application/pdf", "data": IMAGE})),
        "sound": _content(_part("user", inlineData={"mimeType": "audio/wav", "data": IMAGE})),
        "video": _content(_part("user", inlineData={"mimeType": "video/mp4", "data": IMAGE})),
        "schema": _config(responseMimeType="application/json", responseJsonSchema=SCHEMA),
        "JSON mode": _config(responseMimeType="application/json"),
        "reasoning": _config(thinkingConfig={"thinkingBudget": 2048}),
        "signature of a thought": _content(_part("model", text="so", thoughtSignature="c2ln")),
        "temperature": _config(temperature=0.5),
        "temperature above 1": _config(temperature=1.5),
        "stop": _config(stopSequences=["END"]),
        "top_k": _config(topK=3),
        "seed": _config(seed=7),
        "n": _config(candidateCount=2),
        "penalties": _config(presencePenalty=0.5),
        "logprobs": _config(responseLogprobs=True, logprobs=2),
        "open filters": _content(safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
        "strict filters": _content(safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_LOW_AND_ABOVE"}]),
        "metadata": _content(labels={"a": "b"}),
        "unknown member": _content(novelty=True),
    },
}
"""By dialect and feature: a body that says it."""

CARRIED = {"tool result": RESULT, "image": IMAGE, "schema": "colour", "system text": "be kind", "image by URL": URL}
"""Words that a provider's body must hold."""


def calling(api: str, arguments: str = ARGUMENTS, *, stream: bool) -> bytes | dict[str, Any]:
    """An answer of the provider that calls `reset`."""
    if api == "bedrock":
        if stream:
            return b"".join(bedrock.events(bedrock.called("reset", [arguments[:4], arguments[4:]]), stop="tool_use"))
        call = {"toolUseId": "tooluse_1", "name": "reset", "input": orjson.loads(arguments)}
        return bedrock.whole({"toolUse": call}, stop="tool_use")
    asked = {"openai": {}, "responses": {"input": ""}, "anthropic": {"max_tokens": 1}, "gemini": {"contents": []}}[api]
    return answering({**asked, "stream": stream}, arguments, stream=stream)


def refusing(api: str) -> dict[str, Any]:
    """An error of the provider."""
    if api == "bedrock":
        return bedrock.failure("scripted refusal")
    if api == "anthropic":
        return anthropic.anthropic_error("rate_limit_error", "scripted refusal")
    if api == "gemini":
        return {"error": {"code": 429, "message": "scripted refusal", "status": "RESOURCE_EXHAUSTED"}}
    return openai.openai_error("rate_limit_error", "scripted refusal")


def arguments_of(client: str, reply: bytes, *, stream: bool) -> Any:
    """The arguments of the call in an answer, as its client reads them."""
    if not stream:
        return _whole_arguments(client, orjson.loads(reply))
    events = [orjson.loads(each.data) for each in SseParser().feed(reply) if each.data[:1] == b"{"]
    if client == "gemini":
        return _args([part for event in events for part in gemini.parts_in(event)])
    return orjson.loads("".join(_piece(client, event) for event in events))


def _whole_arguments(client: str, tree: Mapping[str, Any]) -> Any:
    if client == "anthropic":
        return next(block["input"] for block in tree["content"] if block["type"] == "tool_use")
    if client == "gemini":
        return _args(gemini.parts_in(tree))
    if client == "responses":
        return orjson.loads(next(item["arguments"] for item in tree["output"] if item["type"] == "function_call"))
    return orjson.loads(tree["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])


def _args(parts: list[dict[str, Any]]) -> Any:
    return next(part["functionCall"]["args"] for part in parts if "functionCall" in part)


def _piece(client: str, event: Mapping[str, Any]) -> str:
    if client == "anthropic":
        return (event.get("delta") or {}).get("partial_json") or ""
    if client == "responses":
        return event["delta"] if event["type"] == "response.function_call_arguments.delta" else ""
    calls = [call for choice in event["choices"] for call in choice["delta"].get("tool_calls") or ()]
    return "".join(call["function"].get("arguments") or "" for call in calls)
