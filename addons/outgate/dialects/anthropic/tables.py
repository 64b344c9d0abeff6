"""Tables of the Anthropic API: every member of its bodies (docs.anthropic.com/en/api/messages, /errors), its words."""

from typing import Any

from outgate.dialects.rules import EVERYTHING, HOSTED, REACH, Rule, free, schema
from outgate.inference.prompt import Channel
from outgate.inference.stream import Finish

ERROR_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.CONTENT_FILTER,
}
MOST_OUTPUT = 8_192
"""Tokens of output where nobody says how many: every model of 2025 and later has as many."""
NO_STATE: frozenset[str] = frozenset()
_PARAMETER = Channel.PARAMETER
SERVER_CALLS = ("server_tool_use", "mcp_tool_use")
SERVER_RESULTS = (
    "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result", "tool_search_tool_result", "mcp_tool_result",
)  # fmt: skip
_CLIENT_TOOLS = (
    "bash_20241022", "bash_20250124", "computer_20241022", "computer_20250124", "computer_20251124", "memory_20250818",
    "text_editor_20241022", "text_editor_20250124", "text_editor_20250429", "text_editor_20250728",
    "tool_search_tool_bm25", "tool_search_tool_bm25_20251119", "tool_search_tool_regex", "tool_search_tool_regex_20251119",
)  # fmt: skip
"""Tools of Anthropic's making that the caller runs, or that look into the tools of the request alone."""
_CACHE = Rule(_PARAMETER, fixed={"type": frozenset({"ephemeral"}), "ttl": frozenset({"5m", "1h"})})
_CITATIONS = {"citations": Rule(_PARAMETER, names={"enabled"})}
_MEDIA = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf", "text/plain"})


def _block(tag: str, channel: Channel, **parts: Any) -> Rule:
    """A content block of one type: its table, its `cache_control`, and its `type` as a fixed value."""
    parts["rules"] = {"cache_control": _CACHE, **parts.get("rules", {})}
    return Rule(channel, fixed={"type": frozenset({tag})}, **parts)


def _source(channel: Channel, content: Rule) -> Rule:
    """Where an image or a document comes from: bytes, text, a link, a file at the provider, or blocks."""
    media = {"media_type": _MEDIA}
    cases = {
        "base64": Rule(channel, fixed={"type": frozenset({"base64"}), **media}, blobs={"data"}),
        "text": Rule(channel, fixed={"type": frozenset({"text"}), **media}, texts={"data": channel}),
        "url": Rule(channel, fixed={"type": frozenset({"url"})}, links={"url"}),
        "file": Rule(channel, fixed={"type": frozenset({"file"})}),
        "content": Rule(channel, fixed={"type": frozenset({"content"})}, texts={"content": channel}, rules={"content": content}),
    }
    return Rule(channel, by="type", cases=cases, kind="unknown")


_WORDS = ("source", frozenset({"text", "content"}))
"""A document that is no file: its text, or blocks of its own kinds, stand in the body."""


def _blocks(channel: Channel, *, inner: Rule | None = None) -> Rule:
    """An array of content blocks whose text belongs to `channel`; a block nobody knows announces itself as unjudged. Thoughts are
    sealed only where a model has them: anybody else's are text.
    """
    rule = Rule(channel)
    source = _source(channel, rule)
    arguments, said = Channel.TOOL_ARGUMENTS, channel is Channel.ASSISTANT
    thought = Channel.REASONING if said else channel
    call = {
        "texts": {"id": _PARAMETER, "name": arguments},
        "rules": {"input": free(arguments, state=NO_STATE), "caller": Rule(_PARAMETER, fixed={"type": frozenset({"direct"})})},
    }
    result = {
        "texts": {"tool_use_id": _PARAMETER, "content": Channel.TOOL_RESULT},
        "rules": {"content": inner or rule},
        "names": {"is_error"},
        "whole": "content",
    }
    titled = dict.fromkeys(("title", "context", "source"), channel)
    text = {"texts": {"text": channel}, "rules": {"citations": Rule(channel, item=free(channel))}}
    cases = {
        "text": _block("text", channel, **text),
        "image": _block("image", channel, rules={"source": source}, kind="image"),
        "document": _block("document", channel, texts=titled, rules={"source": source, **_CITATIONS}, kind="file", unless=_WORDS),
        "search_result": _block("search_result", channel, texts=titled, rules={"content": rule, **_CITATIONS}),
        "thinking": _block(
            "thinking", thought, texts={"thinking": thought}, sealed={"signature"} if said else (), names={"signature"}
        ),
        "redacted_thinking": _block("redacted_thinking", thought, sealed={"data"} if said else (), names={"data"}),
        "tool_use": _block("tool_use", arguments, **call),
        "tool_result": _block("tool_result", Channel.TOOL_RESULT, **result),
        "container_upload": _block("container_upload", channel, kind="file"),
        "tool_reference": _block("tool_reference", Channel.TOOL_DEFINITION, texts={"tool_name": Channel.TOOL_DEFINITION}),
    }
    cases.update((kind, _block(kind, arguments, **call)) for kind in SERVER_CALLS)
    cases.update((kind, _block(kind, Channel.TOOL_RESULT, texts={"tool_use_id": _PARAMETER})) for kind in SERVER_RESULTS)
    rule.item = Rule(channel, by="type", cases=cases, kind="unknown")
    return rule


_RESULTS = _blocks(Channel.TOOL_RESULT)
ROLES = {"user": Channel.USER, "assistant": Channel.ASSISTANT, "system": Channel.SYSTEM}


def _message(channel: Channel) -> Rule:
    return Rule(
        channel,
        texts={"content": channel},
        fixed={"role": frozenset(ROLES)},
        rules={"content": _blocks(channel, inner=_RESULTS)},
    )


def _tools() -> Rule:
    """Tool definitions; what the caller does not run itself announces itself as hosted."""
    channel = Channel.TOOL_DEFINITION
    tool = Rule(
        channel,
        texts=dict.fromkeys(("name", "description"), channel),
        fixed={"type": frozenset({"custom", *_CLIENT_TOOLS})},
        rules={"input_schema": schema(channel), "cache_control": _CACHE},
        names={"strict", "defer_loading", "eager_input_streaming", "max_uses"},
    )
    cases = dict.fromkeys(("", "custom", *_CLIENT_TOOLS), tool)
    return Rule(channel, item=Rule(channel, by="type", cases=cases, rules={"cache_control": _CACHE}, kind=HOSTED))


MESSAGES = Rule(
    _PARAMETER,
    fixed={
        "model": EVERYTHING,  # replaced by the routed model: the caller's never leaves
        "service_tier": frozenset({"auto", "standard_only"}),
        "speed": frozenset({"standard", "fast"}),
    },
    texts={"system": Channel.SYSTEM},
    rules={
        "system": _blocks(Channel.SYSTEM),
        "messages": Rule(
            Channel.USER,
            item=Rule(Channel.USER, by="role", cases={role: _message(channel) for role, channel in ROLES.items()}),
            turns=True,
        ),
        "tools": _tools(),
        "tool_choice": Rule(
            _PARAMETER,
            fixed={"type": frozenset({"auto", "any", "tool", "none"})},
            texts={"name": _PARAMETER},
            names={"disable_parallel_tool_use"},
        ),
        "thinking": Rule(
            _PARAMETER,
            fixed={"type": frozenset({"enabled", "disabled", "adaptive"}), "display": frozenset({"summarized", "omitted"})},
            names={"budget_tokens"},
        ),
        "metadata": Rule(_PARAMETER, texts={"user_id": _PARAMETER}, state=NO_STATE),
        "output_config": Rule(
            _PARAMETER,
            fixed={"effort": frozenset({"low", "medium", "high", "xhigh", "max"})},
            rules={
                "format": Rule(_PARAMETER, fixed={"type": frozenset({"json_schema"})}, rules={"schema": schema(_PARAMETER)}),
            },
        ),
        "cache_control": _CACHE,
    },
    names={"max_tokens", "stop_sequences", "stream", "temperature", "top_k", "top_p", "inference_geo"},
    reach=REACH,
)

_SAID = Channel.ASSISTANT
_QUIET = {"names": EVERYTHING, "other": free(_SAID, names=EVERYTHING, numbers=False)}
_INPUT = free(Channel.TOOL_ARGUMENTS, state=NO_STATE)
_TEXTS = {
    "text": _SAID,
    "name": Channel.TOOL_ARGUMENTS,
    "thinking": Channel.REASONING,
    "signature": Channel.REASONING,
    "data": Channel.REASONING,
    "partial_json": Channel.TOOL_ARGUMENTS,
}
_PIECE = Rule(
    _SAID,
    texts=_TEXTS,
    fixed=dict.fromkeys(("id", "type", "tool_use_id", "stop_reason"), EVERYTHING),
    rules={"input": _INPUT},
    **_QUIET,
)
_ENVELOPE = dict.fromkeys(("id", "type", "role", "model", "stop_reason", "request_id"), EVERYTHING)
MESSAGE = Rule(
    _SAID,
    fixed=_ENVELOPE,
    rules={
        "content": Rule(_SAID, item=_PIECE),
        "usage": Rule(
            _SAID, other=_PIECE, fixed=dict.fromkeys(("service_tier", "inference_geo", "speed"), EVERYTHING), names=EVERYTHING
        ),
    },
    **_QUIET,
)
EVENT = Rule(
    _SAID,
    fixed=_ENVELOPE,
    rules={"message": MESSAGE, "content_block": _PIECE, "delta": _PIECE, "usage": MESSAGE.rules["usage"]},
    **_QUIET,
)
