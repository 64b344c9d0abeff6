"""Tables of the OpenAI API: every member of its bodies (platform.openai.com/docs/api-reference: chat, embeddings), its words."""

from typing import Any

from outgate.dialects.rules import EVERYTHING, HOSTED, REACH, STATE, Rule, free, schema
from outgate.inference.prompt import Channel
from outgate.inference.stream import Finish

ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    429: "rate_limit_error",
}
FINISHES = {
    "stop": Finish.STOP,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "length": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
}
_FINISHES = {
    "eos": Finish.STOP, "eos_token": Finish.STOP, "end_turn": Finish.STOP, "stop_sequence": Finish.STOP, "complete": Finish.STOP,
    "completed": Finish.STOP, "tool_use": Finish.TOOL_CALLS, "tool_call": Finish.TOOL_CALLS, "max_tokens": Finish.LENGTH,
    "max_output_tokens": Finish.LENGTH, "model_length": Finish.LENGTH, "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.CONTENT_FILTER, "safety": Finish.CONTENT_FILTER, "sensitive": Finish.CONTENT_FILTER,
    "content_filtered": Finish.CONTENT_FILTER, "error": Finish.ERROR, "network_error": Finish.ERROR, "abort": Finish.ERROR,
    "aborted": Finish.ERROR, "cancelled": Finish.ERROR, "timeout": Finish.ERROR, "insufficient_system_resource": Finish.ERROR,
}  # fmt: skip
"""Of compatible servers (TGI, Mistral, Cohere, vLLM and SGLang, Zhipu, DeepSeek, OpenRouter), in small letters."""
NO_STATE: frozenset[str] = frozenset()
ROLES = {
    "system": Channel.SYSTEM,
    "developer": Channel.SYSTEM,
    "user": Channel.USER,
    "assistant": Channel.ASSISTANT,
    "tool": Channel.TOOL_RESULT,
    "function": Channel.TOOL_RESULT,
}
_PARAMETER = Channel.PARAMETER


def finish_named(reason: Any) -> Finish:
    """Why a choice ended, by the word that stands for it."""
    word = str(reason)
    return FINISHES.get(word) or _FINISHES.get(word.lower(), Finish.OTHER)


def _values(*values: str) -> frozenset[str]:
    return frozenset(values)


def _calls() -> tuple[Rule, Rule]:
    """The tool calls of an assistant message, and its one `function_call`; `arguments` is JSON inside a string."""
    arguments = free(Channel.TOOL_ARGUMENTS, state=NO_STATE)
    function = Rule(Channel.TOOL_ARGUMENTS, texts={"name": Channel.TOOL_ARGUMENTS}, nested={"arguments": arguments})
    custom = Rule(Channel.TOOL_ARGUMENTS, texts=dict.fromkeys(("name", "input"), Channel.TOOL_ARGUMENTS))
    call = Rule(
        Channel.TOOL_ARGUMENTS,
        texts={"id": _PARAMETER},
        fixed={"type": _values("function", "custom")},
        rules={"function": function, "custom": custom},
        names={"index"},
    )
    return Rule(Channel.TOOL_ARGUMENTS, item=call), function


def part(channel: Channel) -> Rule:
    """A content part: text is judged, everything that is not text announces its kind, and so does a part nobody knows."""
    detail = {"detail": _values("auto", "low", "high", "original")}
    image = Rule(channel, links={"url"}, fixed=detail)
    audio = Rule(channel, blobs={"data"}, fixed={"format": _values("wav", "mp3")})
    file = Rule(channel, texts={"filename": channel}, links={"file_data"}, names=())
    cases = {
        "text": Rule(channel, texts={"text": channel}, fixed={"type": _values("text")}),
        "refusal": Rule(channel, texts={"refusal": channel}, fixed={"type": _values("refusal")}),
        "image_url": Rule(
            channel, fixed={"type": _values("image_url")}, rules={"image_url": image}, links={"image_url"}, kind="image"
        ),
        "input_audio": Rule(channel, fixed={"type": _values("input_audio")}, rules={"input_audio": audio}, kind="audio"),
        "file": Rule(channel, fixed={"type": _values("file")}, rules={"file": file}, kind="file"),
    }
    return Rule(channel, by="type", cases=cases, kind="unknown")


def _message(channel: Channel) -> Rule:
    calls, function = _calls()
    return Rule(
        channel,
        texts={
            "content": channel,
            "name": channel,
            "refusal": channel,
            "reasoning_content": Channel.REASONING,
            "reasoning": Channel.REASONING,
            "tool_call_id": _PARAMETER,
        },
        fixed={"role": frozenset(ROLES)},
        rules={
            "content": Rule(channel, item=part(channel)),
            "tool_calls": calls,
            "function_call": function,
            "audio": Rule(channel, kind="audio", state=_values("id")),
        },
        whole="content" if channel is Channel.TOOL_RESULT else "",
    )


def _tools() -> Rule:
    """Tool definitions; what the caller does not run itself announces itself as hosted."""
    channel = Channel.TOOL_DEFINITION
    described = dict.fromkeys(("name", "description"), channel)
    function = Rule(channel, texts=described, rules={"parameters": schema(channel)}, names={"strict"}, state=NO_STATE)
    tool = Rule(
        channel,
        texts=described,
        fixed={"type": _values("function", "custom")},
        rules={"function": function, "custom": free(channel), "parameters": schema(channel)},
    )
    return Rule(channel, item=Rule(channel, by="type", cases=dict.fromkeys(("", "function", "custom"), tool), kind=HOSTED))


_ROLE_RULES = {role: _message(channel) for role, channel in ROLES.items()}
_FORMAT = Rule(
    _PARAMETER,
    fixed={"type": _values("text", "json_object", "json_schema")},
    rules={"json_schema": Rule(_PARAMETER, rules={"schema": schema(_PARAMETER)}, names={"name", "strict", "description"})},
)
_CHOICES = _values("auto", "none", "required")
_NAMED = Rule(_PARAMETER, texts={"name": _PARAMETER})
_CHOICE = Rule(_PARAMETER, fixed={"type": _values("function", "custom")}, rules={"function": _NAMED, "custom": _NAMED})


def _body(state: frozenset[str]) -> Rule:
    """A request, where these members refer to what is kept at the provider."""
    return Rule(
        _PARAMETER,
        fixed={
            "model": EVERYTHING,  # replaced by the routed model: the caller's never leaves
            "tool_choice": _CHOICES,
            "function_call": _CHOICES,
            "reasoning_effort": _values("none", "minimal", "low", "medium", "high", "xhigh"),
            "verbosity": _values("low", "medium", "high"),
            "service_tier": _values("auto", "default", "flex", "scale", "priority", "fast"),
            "prompt_cache_retention": _values("in_memory", "24h"),
        },
        texts=dict.fromkeys(("user", "prompt_cache_key", "safety_identifier", "stop"), _PARAMETER),
        rules={
            "messages": Rule(Channel.USER, item=Rule(Channel.USER, by="role", cases=_ROLE_RULES), turns=True),
            "tools": _tools(),
            "functions": _tools(),
            "tool_choice": _CHOICE,
            "function_call": _NAMED,
            "response_format": _FORMAT,
            "prediction": Rule(
                Channel.ASSISTANT,
                texts={"content": Channel.ASSISTANT},
                fixed={"type": _values("content")},
                rules={"content": Rule(Channel.ASSISTANT, item=part(Channel.ASSISTANT))},
            ),
            "metadata": free(_PARAMETER, state=NO_STATE),
            "audio": Rule(
                _PARAMETER,
                kind="audio",
                texts={"voice": _PARAMETER},
                fixed={"format": _values("wav", "mp3", "flac", "opus", "pcm16")},
            ),
        },
        names={
            "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "modalities", "moderation", "n",
            "parallel_tool_calls", "presence_penalty", "prompt_cache_options", "seed", "store", "stream", "stream_options",
            "temperature", "top_logprobs", "top_p",
        },
        reach=REACH,
        state=state,
    )  # fmt: skip


CHAT = _body(STATE - {"store"})
"""`store` is a wish about this answer here, which the codec overrules."""
OPAQUE = _body(STATE)
"""A request on a path below, or in another spelling of it, which goes out as it came."""
EMBEDDINGS = Rule(
    _PARAMETER,
    fixed={"model": EVERYTHING, "encoding_format": _values("float", "base64")},
    texts={"input": Channel.USER, "user": _PARAMETER},
    rules={"input": Rule(Channel.USER, item=Rule(Channel.USER, item=free(Channel.USER), tokens=True), tokens=True)},
    names={"dimensions"},
)


def _line(url: str, body: Rule) -> Rule:
    return Rule(
        _PARAMETER,
        texts={"custom_id": _PARAMETER},
        fixed={"method": _values("POST"), "url": _values(url)},
        rules={"body": body},
    )


BATCH = Rule(
    _PARAMETER,
    by="url",
    cases={f"/v1/{name}": _line(f"/v1/{name}", body) for name, body in (("chat/completions", OPAQUE), ("embeddings", EMBEDDINGS))},
    kind="unknown",
)
"""A line of a batch: a request to one of these addresses, which goes out as it came."""
BATCH_START = Rule(
    _PARAMETER,
    fixed={"endpoint": _values(*BATCH.cases), "completion_window": _values("24h")},
    rules={"output_expires_after": Rule(_PARAMETER, fixed={"anchor": _values("created_at")}, names={"seconds"})},
    state=STATE | {"input_file_id"},
)
"""The start of a batch."""


def _answer(*, streamed: bool) -> Rule:
    """A completion or a chunk of one. Names and envelope are the provider's; every other string is output of the model."""
    said = Channel.ASSISTANT
    other = free(said, names=EVERYTHING, numbers=False)
    quiet = {"names": EVERYTHING, "other": other}
    arguments = free(Channel.TOOL_ARGUMENTS, state=NO_STATE)
    function = Rule(
        Channel.TOOL_ARGUMENTS,
        texts=dict.fromkeys(("name", "arguments") if streamed else ("name",), Channel.TOOL_ARGUMENTS),
        nested={} if streamed else {"arguments": arguments},
        **quiet,
    )
    custom = Rule(Channel.TOOL_ARGUMENTS, **quiet)
    call = Rule(
        Channel.TOOL_ARGUMENTS,
        fixed={"id": EVERYTHING, "type": EVERYTHING},
        rules={"function": function, "custom": custom},
        **quiet,
    )
    message = Rule(
        said,
        texts={"content": said, "refusal": said, "reasoning_content": Channel.REASONING, "reasoning": Channel.REASONING},
        fixed={"role": EVERYTHING},
        rules={
            "tool_calls": Rule(Channel.TOOL_ARGUMENTS, item=call),
            "function_call": function,
            "audio": Rule(said, fixed={"id": EVERYTHING}, blobs={"data"}, **quiet),
        },
        **quiet,
    )
    token = Rule(said, rules={"bytes": Rule(said, drop=True)}, **quiet)  # the same text once more, as numbers no policy reads
    token.rules["top_logprobs"] = Rule(said, item=token)
    logprobs = Rule(said, rules=dict.fromkeys(("content", "refusal"), Rule(said, item=token)), **quiet)
    choice = Rule(
        said, fixed={"finish_reason": EVERYTHING}, rules={"message": message, "delta": message, "logprobs": logprobs}, **quiet
    )
    return Rule(
        said,
        fixed=dict.fromkeys(("id", "object", "model", "system_fingerprint", "service_tier"), EVERYTHING),
        rules={"choices": Rule(said, item=choice)},
        **quiet,
    )


COMPLETION = _answer(streamed=False)
CHUNK = _answer(streamed=True)
_VECTOR = Rule(Channel.ASSISTANT, fixed={"object": EVERYTHING}, blobs={"embedding"}, names=EVERYTHING)
VECTORS = Rule(
    Channel.ASSISTANT,
    fixed=dict.fromkeys(("object", "model", "id"), EVERYTHING),
    rules={"data": Rule(Channel.ASSISTANT, item=_VECTOR)},
    other=free(Channel.ASSISTANT, names=EVERYTHING, numbers=False),
    names=EVERYTHING,
)
