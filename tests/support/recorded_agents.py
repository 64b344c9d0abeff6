"""Turns of agents over the Responses API, in the shapes in which Codex 0.171 and the AI SDK 6.0 sent them; the words are ours."""

from copy import deepcopy
from typing import Any

ENCRYPTED = "gAAAA" + "Q" * 80
MAIL = "jane.roe@example.com"


def _noted(item: dict[str, Any]) -> dict[str, Any]:
    """An item as Codex keeps it, with its notes beside it."""
    notes = {"turn_id": "01a228bd-9e20-79a1-9ce2-6dbb45827d20", "create_time": "2026-11-29T19:17:25Z"}
    return item | {"internal_chat_message_metadata_passthrough": notes}


def _message(role: str, text: str) -> dict[str, Any]:
    return {"type": "message", "id": f"msg_{role}", "role": role, "content": [{"type": "input_text", "text": text}]}


_SCHEMA = {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"], "additionalProperties": False}
_CODEX = {
    "model": "gpt-5-codex",
    "stream": True,
    "tools": [
        {"type": "function", "name": "exec_command", "description": "Runs a command.", "strict": False, "parameters": _SCHEMA},
        {"type": "namespace", "name": "agents", "description": "Sub-agents.", "tools": [{"type": "function", "name": "close"}]},
        {"type": "web_search", "external_web_access": True},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"summary": "auto"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "01a228bd-9deb-79f2-a005-595cacedf327",
    "client_metadata": {"thread_id": "01a228bd-9deb", "x-codex-turn-metadata": '{"request_kind":"turn","window_number":0}'},
}
_ASKED = [
    _message("developer", "You are a coding agent."),
    _message("user", "<environment_context>\n  <shell>bash</shell>\n</environment_context>"),
    _noted(_message("user", f"Mail {MAIL}")),
]


def codex(call: str = "", arguments: str = "", output: str = "") -> dict[str, Any]:
    """The first turn of Codex; or its second, once a call was made. The caller's own, to change."""
    if not call:
        return deepcopy({**_CODEX, "input": _ASKED})
    turns = [
        _noted({"type": "reasoning", "id": "rs_1", "summary": [], "content": None, "encrypted_content": ENCRYPTED}),
        _noted({"type": "function_call", "status": "completed", "id": "fc_1", "name": "exec_command", "arguments": arguments,
                "call_id": call}),
        _noted({"type": "function_call_output", "id": "fco_1", "call_id": call, "output": output}),
    ]  # fmt: skip
    return deepcopy({**_CODEX, "input": [*_ASKED, *turns]})


_AI_SDK = {
    "model": "gpt-5",
    "tools": [
        {"type": "function", "name": "exec_command", "description": "Runs a command.",
         "parameters": {"$schema": "http://json-schema.org/draft-07/schema#", **_SCHEMA}},
    ],
    "tool_choice": "auto",
}  # fmt: skip
_PROMPT = {"role": "user", "content": [{"type": "input_text", "text": f"Mail {MAIL}"}]}


def ai_sdk(call: str = "", arguments: str = "", output: str = "", *, store: bool = True) -> dict[str, Any]:
    """A turn of the AI SDK's default OpenAI model; unless told otherwise it takes answers for stored, and refers to them."""
    base = _AI_SDK if store else {**_AI_SDK, "store": False, "include": ["reasoning.encrypted_content"]}
    if not call:
        return {**base, "input": [_PROMPT]}
    thought = {"type": "reasoning", "id": "rs_1", "encrypted_content": ENCRYPTED, "summary": []}
    turns: list[dict[str, Any]] = [
        {"type": "item_reference", "id": "rs_1"} if store else thought,
        {"type": "function_call", "call_id": call, "name": "exec_command", "arguments": arguments},
        {"type": "function_call_output", "call_id": call, "output": output},
    ]
    return {**base, "input": [_PROMPT, *turns]}
