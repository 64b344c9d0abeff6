"""Tables of requests to the Responses API: every member of a body (openai.types.responses), and its words for endings."""

from typing import Any

from outgate.dialects.rules import EVERYTHING, HOSTED, REACH, STATE, Rule, free, schema
from outgate.inference.prompt import Channel
from outgate.inference.stream import Finish

FINISHES = {
    "max_output_tokens": Finish.LENGTH,
    "max_messages": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
}
"""Why an answer is incomplete."""
REFERENCE = "item_reference"
"""The kind by which a reference to an item at the provider announces itself."""
NO_STATE: frozenset[str] = frozenset()
REMEMBERED = ("previous_response_id", "conversation", "prompt")
"""Members that stand for input which the provider keeps."""
_KEPT = frozenset({*REMEMBERED, "background"}) | STATE
"""What refers to state at the provider."""
_ROLES = {
    "user": Channel.USER,
    "system": Channel.SYSTEM,
    "developer": Channel.SYSTEM,
    "assistant": Channel.ASSISTANT,
}
_PARAMETER, _SYSTEM = Channel.PARAMETER, Channel.SYSTEM
_CALL, _RESULT, _DEFINITION = Channel.TOOL_ARGUMENTS, Channel.TOOL_RESULT, Channel.TOOL_DEFINITION


def _values(*values: str) -> frozenset[str]:
    return frozenset(values)


_STATUS = _values("in_progress", "completed", "incomplete", "searching", "failed", "generating", "interpreting", "calling")
_BREAKPOINT = Rule(_PARAMETER, fixed={"mode": _values("explicit"), "ttl": _values("30m", "12h")})
_NOTES = free(_PARAMETER, state=NO_STATE)
"""What a client notes beside an item: never read as one with the words of the item, as parts of a message are."""
_CALLER = Rule(_PARAMETER, fixed={"type": _values("direct", "program")}, texts={"caller_id": _PARAMETER})


def _part(channel: Channel) -> Rule:
    """A content part: text is judged, everything that is not text announces its kind, and so does a part nobody knows."""

    def part(tag: str, **parts: Any) -> Rule:
        parts["fixed"] = {"type": _values(tag), **parts.get("fixed", {})}
        parts["rules"] = {"prompt_cache_breakpoint": _BREAKPOINT, **parts.get("rules", {})}
        return Rule(channel, **parts)

    quoted = {"annotations": Rule(channel, item=free(channel, state=NO_STATE)), "logprobs": Rule(channel, item=free(channel))}
    detail = {"detail": _values("auto", "low", "high", "original")}
    audio = Rule(channel, blobs={"data"}, fixed={"format": _values("wav", "mp3")})
    spoken = ("input_text", "output_text", "summary_text", "reasoning_text", "text")
    cases = {tag: part(tag, texts={"text": channel}, rules=quoted) for tag in spoken}
    cases["refusal"] = part("refusal", texts={"refusal": channel})
    for tag in ("input_image", "computer_screenshot"):
        cases[tag] = part(tag, links={"image_url"}, fixed=detail, kind="image")
    cases["input_file"] = part(
        "input_file", texts={"filename": channel}, links={"file_data", "file_url"}, fixed=detail, kind="file"
    )
    cases["input_audio"] = part("input_audio", rules={"input_audio": audio}, kind="audio")
    return Rule(channel, by="type", cases=cases, kind="unknown")


def _item(tag: str, channel: Channel, **parts: Any) -> Rule:
    """An item of one type."""
    parts["texts"] = {"id": _PARAMETER, "call_id": _PARAMETER, **parts.get("texts", {})}
    parts["fixed"] = {"type": _values(tag), "status": _STATUS, **parts.get("fixed", {})}
    parts["rules"] = {"caller": _CALLER, "internal_chat_message_metadata_passthrough": _NOTES, **parts.get("rules", {})}
    parts.setdefault("other", free(channel, state=NO_STATE))
    return Rule(channel, **parts)


def _content(channel: Channel) -> Rule:
    return Rule(channel, item=_part(channel))


def _message(channel: Channel, **parts: Any) -> Rule:
    return _item(
        "message",
        channel,
        kind=REFERENCE,
        content={"content"},
        texts={"content": channel},
        fixed={"role": frozenset(_ROLES), "phase": _values("commentary", "final_answer")},
        rules={"content": _content(channel)},
        other=_NOTES,
        **parts,
    )


def _tools() -> Rule:
    """Tool definitions, those in a namespace included; what the caller does not run itself announces itself as hosted."""
    described = dict.fromkeys(("name", "description"), _DEFINITION)
    schemas = dict.fromkeys(("parameters", "output_schema"), schema(_DEFINITION))
    names = {"strict", "async", "defer_loading", "allowed_callers"}
    tools = Rule(_DEFINITION)
    cases = {
        "function": Rule(
            _DEFINITION, texts=described, fixed={"type": _values("function")}, rules=schemas, names=names, state=NO_STATE
        ),
        "custom": Rule(
            _DEFINITION,
            texts=described,
            fixed={"type": _values("custom")},
            rules={"format": free(_DEFINITION, state=NO_STATE)},
            names=names,
            state=NO_STATE,
        ),
        "namespace": Rule(
            _DEFINITION, texts=described, fixed={"type": _values("namespace")}, rules={"tools": tools}, state=NO_STATE
        ),
    }
    for tag in _CLIENT_TOOLS:
        cases[tag] = Rule(_DEFINITION, fixed={"type": _values(tag)}, rules=schemas, names=names, state=NO_STATE)
    cases["shell"] = Rule(
        _DEFINITION, fixed={"type": _values("shell")}, names=names, kind=HOSTED, unless=("environment", _values("local"))
    )
    tools.item = Rule(_DEFINITION, by="type", cases=cases, kind=HOSTED)
    return tools


_CLIENT_TOOLS = ("local_shell", "apply_patch", "computer", "computer_use_preview", "tool_search")
"""Tools of OpenAI's making that the caller runs, or that look into the request's own tools; a shell is one where it is local."""
TOOLS = _tools()
_OUTPUT = {"texts": {"output": _RESULT}, "rules": {"output": _content(_RESULT)}, "whole": "output"}
_NAMED = {"texts": dict.fromkeys(("name", "namespace", "server_label"), _CALL)}
_ARGUMENTS = free(_CALL, state=NO_STATE)
_SEALED = {"sealed": {"encrypted_content"}, "kind": REFERENCE}


def _shell_output() -> Rule:
    """What commands wrote, and how each ended."""
    outcome = Rule(_RESULT, fixed={"type": _values("exit", "timeout")}, names={"exit_code"})
    command = Rule(_RESULT, texts=dict.fromkeys(("stdout", "stderr"), _RESULT), rules={"outcome": outcome})
    return Rule(_RESULT, item=Rule(_RESULT, by="type", cases={"": command}, kind="unknown"))


def _input() -> Rule:
    """The items of a conversation. One that nobody knows announces itself as unjudged, one without its content as a reference."""
    reference = Rule(_PARAMETER, texts={"id": _PARAMETER}, fixed={"type": _values(REFERENCE)}, kind=REFERENCE)
    roles = {role: _message(channel) for role, channel in _ROLES.items()}
    thought = {"rules": dict.fromkeys(("summary", "content"), _content(Channel.REASONING)), **_SEALED}
    undrawn = _item("image_generation_call", _CALL, kind=REFERENCE)
    cases = {
        "": _message(Channel.USER, by="role", cases={**roles, "": reference}),
        "message": _message(Channel.USER, by="role", cases=roles),
        REFERENCE: reference,
        "reasoning": _item("reasoning", Channel.REASONING, **thought, content={"encrypted_content", "content"}),
        "compaction": _item("compaction", Channel.REASONING, **_SEALED, content={"encrypted_content"}),
        "function_call": _item("function_call", _CALL, **_NAMED, nested={"arguments": _ARGUMENTS}, names={"async"}),
        "mcp_call": _item("mcp_call", _CALL, **_NAMED, nested={"arguments": _ARGUMENTS}),
        "custom_tool_call": _item("custom_tool_call", _CALL, texts={**_NAMED["texts"], "input": _CALL}, names={"async"}),
        "image_generation_call": _item(
            "image_generation_call", _CALL, blobs={"result"}, kind="image", by="result", cases={"": undrawn}
        ),
        "code_interpreter_call": _item("code_interpreter_call", _CALL, other=free(_CALL)),
        "configuration_update": _item("configuration_update", _PARAMETER),
        "compaction_trigger": _item("compaction_trigger", _PARAMETER),
        "mcp_list_tools": _item("mcp_list_tools", _DEFINITION),
        "mcp_approval_response": _item("mcp_approval_response", _RESULT),
        "program": _item("program", _CALL),
        "program_output": _item("program_output", _RESULT),
    }
    for tag in ("additional_tools", "tool_search_output"):
        cases[tag] = _item(tag, _DEFINITION, fixed={"role": _values("developer")}, rules={"tools": TOOLS})
    for tag in _HOSTED_CALLS:
        cases[tag] = _item(tag, _CALL)
    for tag in _OUTPUTS:
        cases[tag] = _item(tag, _RESULT, **_OUTPUT)
    cases["shell_call_output"] = _item("shell_call_output", _RESULT, texts=_OUTPUT["texts"], rules={"output": _shell_output()})
    cases["computer_call_output"] = _item("computer_call_output", _RESULT, rules={"output": _part(_RESULT)})
    return Rule(Channel.USER, item=Rule(Channel.USER, by="type", cases=cases, kind="unknown"), turns=True)


_HOSTED_CALLS = (
    "web_search_call", "file_search_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call",
    "mcp_approval_request", "tool_search_call",
)  # fmt: skip
_OUTPUTS = (
    "function_call_output", "custom_tool_call_output", "local_shell_call_output", "apply_patch_call_output",
)  # fmt: skip
_FORMAT = Rule(
    _PARAMETER,
    texts=dict.fromkeys(("name", "description"), _PARAMETER),
    fixed={"type": _values("text", "json_object", "json_schema")},
    rules={"schema": schema(_PARAMETER)},
    names={"strict"},
)
_CHOSEN = Rule(
    _PARAMETER,
    texts=dict.fromkeys(("name", "server_label"), _PARAMETER),
    fixed={"type": _values("function", "custom", "mcp", "allowed_tools", "web_search", "file_search", "image_generation", "shell")},
    rules={"tools": free(_PARAMETER)},
    names={"mode"},
)


def _body(state: frozenset[str]) -> Rule:
    """A request, where these members refer to what is kept at the provider."""
    return Rule(
        _PARAMETER,
        fixed={
            "model": EVERYTHING,  # replaced by the routed model: the caller's never leaves
            "tool_choice": _values("auto", "none", "required"),
            "service_tier": _values("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"),
            "prompt_cache_retention": _values("in_memory", "24h"),
            "truncation": _values("auto", "disabled"),
        },
        texts={
            "input": Channel.USER,
            "instructions": _SYSTEM,
            **dict.fromkeys(("user", "prompt_cache_key", "safety_identifier"), _PARAMETER),
        },
        rules={
            "input": _input(),
            "instructions": free(_SYSTEM),
            "tools": TOOLS,
            "tool_choice": _CHOSEN,
            "text": Rule(_PARAMETER, fixed={"verbosity": _values("low", "medium", "high")}, rules={"format": _FORMAT}),
            "reasoning": Rule(
                _PARAMETER,
                fixed={
                    "effort": _values("none", "minimal", "low", "medium", "high", "xhigh", "max"),
                    **dict.fromkeys(("summary", "generate_summary"), _values("auto", "concise", "detailed")),
                },
            ),
            "prompt": Rule(
                _PARAMETER,
                texts=dict.fromkeys(("id", "version"), _PARAMETER),
                rules={"variables": Rule(Channel.USER, other=_part(Channel.USER), state=NO_STATE)},
            ),
            **dict.fromkeys(("metadata", "client_metadata"), free(_PARAMETER, state=NO_STATE)),
            "include": Rule(_PARAMETER),
            "stream_options": Rule(_PARAMETER, names={"include_obfuscation"}),
        },
        names={
            "max_output_tokens", "max_tool_calls", "parallel_tool_calls", "store", "stream", "temperature", "top_logprobs", "top_p",
        },
        state=state,
        reach=REACH,
    )  # fmt: skip


RESPONSES = _body(_KEPT - {"store"})
"""`store` is a wish about this answer here, which the codec overrules."""
OPAQUE = _body(_KEPT)
"""A request on a path below, or in another spelling of it, which goes out as it came."""
