"""Tables of answers of the Responses API, whole and streamed.

Names and envelope are the provider's; what repeats the request has the channel it had there; every other string is output of the
model. An item is read the same way wherever it stands: alone in an event, or in the response that an event carries whole.
"""

from typing import Any

from outgate.dialects.rules import EVERYTHING, Rule, free
from outgate.inference.prompt import Channel

PIECES = {
    "response.output_text.delta": Channel.ASSISTANT,
    "response.refusal.delta": Channel.ASSISTANT,
    "response.audio.transcript.delta": Channel.ASSISTANT,
    "response.reasoning_text.delta": Channel.REASONING,
    "response.reasoning_summary_text.delta": Channel.REASONING,
    "response.function_call_arguments.delta": Channel.TOOL_ARGUMENTS,
    "response.mcp_call_arguments.delta": Channel.TOOL_ARGUMENTS,
    "response.custom_tool_call_input.delta": Channel.TOOL_ARGUMENTS,
    "response.code_interpreter_call_code.delta": Channel.TOOL_ARGUMENTS,
    "response.shell_call_command.delta": Channel.TOOL_ARGUMENTS,
    "response.shell_call_output_content.delta": Channel.TOOL_RESULT,
    "response.apply_patch_call_operation_diff.delta": Channel.TOOL_ARGUMENTS,
}
"""Events whose `delta` continues a text, and its channel."""
ECHOES = frozenset({Channel.SYSTEM, Channel.USER, Channel.TOOL_DEFINITION, Channel.PARAMETER, Channel.KEY})
"""Channels of what an answer repeats of its request."""
SAID_TYPES = ("message", "reasoning", "compaction")
"""Items of an answer that are no call of a tool; every other one is, or may be."""

_SAID = Channel.ASSISTANT
_IDS = (
    "id",
    "type",
    "status",
    "call_id",
    "item_id",
    "approval_request_id",
    "container_id",
    "encrypted_content",
    "fingerprint",
    "role",
)
_ENVELOPE = dict.fromkeys((*_IDS, "phase", "execution"), EVERYTHING)


def _quiet(channel: Channel, **parts: Any) -> Rule:
    """An object of the provider's: its names are not judged, nor are its numbers."""
    parts.setdefault("other", free(channel, names=EVERYTHING, numbers=False, state=frozenset()))
    return Rule(channel, names=EVERYTHING, **parts)


def _tokens(channel: Channel) -> Rule:
    token = _quiet(channel, rules={"bytes": Rule(channel, drop=True)})  # the same text once more, as numbers no policy reads
    token.rules["top_logprobs"] = Rule(channel, item=token)
    return Rule(channel, item=token)


def _part(channel: Channel) -> Rule:
    fixed = {"type": EVERYTHING}
    thought = _quiet(Channel.REASONING, fixed=fixed)
    cases = dict.fromkeys(("reasoning_text", "summary_text"), thought)
    return _quiet(channel, fixed=fixed, rules={"logprobs": _tokens(channel)}, by="type", cases=cases)


def _content(channel: Channel) -> Rule:
    return Rule(channel, item=_part(channel))


def _item(*, streamed: bool) -> Rule:
    """An output item. Streamed, its arguments are text as their pieces are: both become the same bytes again.

    The names of arguments are the model's words, as their values are.
    """
    call, result = Channel.TOOL_ARGUMENTS, Channel.TOOL_RESULT
    given = {"arguments": free(call, state=frozenset())}
    arguments: dict[str, Any] = {"rules": given} if streamed else {"rules": given, "nested": given}
    calls = _quiet(call, fixed=_ENVELOPE, **arguments)
    thought = Channel.REASONING
    cases = {
        "message": _quiet(_SAID, fixed=_ENVELOPE, rules={"content": _content(_SAID)}),
        "reasoning": _quiet(thought, fixed=_ENVELOPE, rules=dict.fromkeys(("content", "summary"), _content(thought))),
        "image_generation_call": _quiet(call, fixed=_ENVELOPE, blobs={"result"}),
        "mcp_call": _quiet(call, fixed=_ENVELOPE, texts=dict.fromkeys(("output", "error"), result), **arguments),
        "code_interpreter_call": _quiet(call, fixed=_ENVELOPE, rules={"outputs": _content(result)}),
        "file_search_call": _quiet(call, fixed=_ENVELOPE, rules={"results": _content(result)}),
        **dict.fromkeys(("function_call_output", "custom_tool_call_output", "shell_call_output"), _quiet(result, fixed=_ENVELOPE)),
        **dict.fromkeys(("local_shell_call_output", "apply_patch_call_output", "program_output"), _quiet(result, fixed=_ENVELOPE)),
        **dict.fromkeys(("mcp_list_tools", "additional_tools"), _quiet(Channel.TOOL_DEFINITION, fixed=_ENVELOPE)),
    }
    called = ("function_call", "custom_tool_call", "web_search_call", "computer_call", "local_shell_call", "shell_call")
    cases.update(dict.fromkeys((*called, "apply_patch_call", "tool_search_call", "mcp_approval_request", "program"), calls))
    unknown = {**arguments, "texts": {"arguments": call}} if streamed else arguments
    return _quiet(_SAID, fixed={"id": EVERYTHING, "type": EVERYTHING}, by="type", cases=cases, **unknown)


def _response(*, streamed: bool) -> Rule:
    """A response; beside its output it repeats what was asked."""

    def echo(channel: Channel) -> Rule:
        return free(channel, names=EVERYTHING, numbers=False, state=frozenset())

    asked = ("metadata", "text", "reasoning", "tool_choice", "prompt", "prompt_cache_options")
    named = ("user", "safety_identifier", "prompt_cache_key", "tool_choice")
    envelope = ("object", "model", "previous_response_id", "service_tier", "truncation", "prompt_cache_retention")
    return _quiet(
        _SAID,
        fixed={**_ENVELOPE, **dict.fromkeys(envelope, EVERYTHING)},
        texts={"instructions": Channel.SYSTEM, **dict.fromkeys(named, Channel.PARAMETER)},
        rules={
            "output": Rule(_SAID, item=_item(streamed=streamed)),
            "instructions": echo(Channel.SYSTEM),
            "tools": echo(Channel.TOOL_DEFINITION),
            **dict.fromkeys(asked, echo(Channel.PARAMETER)),
        },
    )


RESPONSE = _response(streamed=False)


def _event() -> Rule:
    fixed = dict.fromkeys(("type", "item_id", "obfuscation", "id"), EVERYTHING)
    rules = {"response": _response(streamed=True), "item": _item(streamed=True)}

    def event(channel: Channel, **parts: Any) -> Rule:
        texts = {"delta": channel}
        return _quiet(
            channel, texts=texts, fixed=fixed, rules={"part": _part(channel), "logprobs": _tokens(channel), **rules}, **parts
        )

    cases = {}
    for kind, channel in PIECES.items():
        stem = kind.removesuffix("delta")
        cases.update(dict.fromkeys((kind, f"{stem}done", f"{stem}added"), event(channel)))
    for kind in ("response.reasoning_summary_part.added", "response.reasoning_summary_part.done"):
        cases[kind] = event(Channel.REASONING)
    sound = dict.fromkeys(("delta", "partial_image_b64"), EVERYTHING)
    media = _quiet(_SAID, fixed={**fixed, **sound})
    cases.update(dict.fromkeys(("response.audio.delta", "response.image_generation_call.partial_image"), media))
    return event(_SAID, by="type", cases=cases)


EVENT = _event()
