"""Answers of servers that speak chat completions, in the shapes that each writes: whole, streamed, with a tool call, and refused.

llama.cpp's text is as its server answered here; the others follow what is public of their APIs, and are no recordings.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from support.sse import event

TEXT, THOUGHT = "Hello there", "They greet."
ARGUMENTS = '{"city":"Bern"}'
_HEAD = {"id": "chatcmpl-7f3a", "created": 1760000000, "model": "local"}
_TIMINGS = {"cache_n": 31, "prompt_n": 1, "prompt_ms": 132.67, "predicted_n": 4, "predicted_per_second": 8.15}


class Server(NamedTuple):
    """`own` are members of a whole answer that OpenAI's API has not, `thinks` the name under which it tells thoughts."""

    whole: Mapping[str, Any]
    chunks: Sequence[Mapping[str, Any]]
    calls: Sequence[Mapping[str, Any]]
    error: tuple[int, Mapping[str, Any], str]
    own: Mapping[str, Any]
    thinks: str = ""
    counted: bool = True

    def stream(self, *, calling: bool = False) -> list[bytes]:
        return [*map(event, self.calls if calling else self.chunks), b"data: [DONE]\n\n"]


def _whole(message: Mapping[str, Any], choice: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    given = {"index": 0, "message": {"role": "assistant", "content": TEXT, **message}, "finish_reason": "stop", **choice}
    return {**_HEAD, "object": "chat.completion", "choices": [given], **more}


def _chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more.pop("choice", {})}
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [choice], **more}


def _counts(usage: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": usage, **more}


def _call(function: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, **more, "function": function}]}


_USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
_LLAMA = {**_USAGE, "prompt_tokens_details": {"cached_tokens": 4}}
_LLAMA_CHOICE = {"system_fingerprint": "b0-unknown"}
_VLLM = {**_USAGE, "prompt_tokens_details": None}
_VLLM_MORE = {"prompt_logprobs": None, "prompt_token_ids": None, "kv_transfer_params": None, "service_tier": None}
_VLLM_CHOICE = {"logprobs": None, "stop_reason": None, "token_ids": None}
_VLLM_MESSAGE = {"refusal": None, "annotations": None, "audio": None, "function_call": None, "tool_calls": []}
_SGLANG = {**_USAGE, "prompt_tokens_details": None, "reasoning_tokens": 0}
_SGLANG_LAST = {"choice": {"matched_stop": 151645}, "usage": None}
_TOO_LONG = "This model's maximum context length is 2048 tokens. However, you requested 9031 tokens."

SERVERS = {
    "llama.cpp": Server(
        whole=_whole({}, {}, **_LLAMA_CHOICE, usage=_LLAMA, timings=_TIMINGS),
        chunks=[
            _chunk({"role": "assistant", "content": None}),
            _chunk({"content": "Hello"}),
            _chunk({"content": " there"}),
            _chunk({}, "stop"),
            _counts(_LLAMA, timings=_TIMINGS),
        ],
        calls=[
            _chunk({"role": "assistant", "content": None}),
            _chunk(_call({"name": "weather", "arguments": "{"}, id="gDq3", type="function")),
            _chunk(_call({"arguments": ARGUMENTS[1:]})),
            _chunk({}, "tool_calls"),
            _counts(_LLAMA, timings=_TIMINGS),
        ],
        error=(
            400,
            {"error": {"code": 400, "message": _TOO_LONG, "type": "exceed_context_size_error", "n_prompt_tokens": 9031}},
            _TOO_LONG,
        ),
        own={"timings": _TIMINGS},
    ),
    "vllm": Server(
        whole=_whole({**_VLLM_MESSAGE, "reasoning_content": THOUGHT}, _VLLM_CHOICE, usage=_VLLM, **_VLLM_MORE),
        chunks=[
            _chunk({"role": "assistant", "content": ""}, choice={"logprobs": None}),
            _chunk({"reasoning_content": "They "}, choice=_VLLM_CHOICE),
            _chunk({"reasoning_content": "greet."}, choice=_VLLM_CHOICE),
            _chunk({"content": TEXT}, choice=_VLLM_CHOICE),
            _chunk({"content": ""}, "stop", choice=_VLLM_CHOICE),
            _counts(_VLLM),
        ],
        calls=[
            _chunk({"role": "assistant", "content": ""}),
            _chunk(_call({"name": "weather"}, id="chatcmpl-tool-1", type="function")),
            _chunk(_call({"arguments": ARGUMENTS})),
            _chunk({"content": ""}, "tool_calls", choice=_VLLM_CHOICE),
            _counts(_VLLM),
        ],
        error=(400, {"object": "error", "message": _TOO_LONG, "type": "BadRequestError", "param": None, "code": 400}, _TOO_LONG),
        own={"kv_transfer_params": None, "prompt_logprobs": None},
        thinks="reasoning_content",
    ),
    "sglang": Server(
        whole=_whole(
            {"reasoning_content": THOUGHT, "tool_calls": None},
            {"logprobs": None, "matched_stop": 151645},
            usage=_SGLANG,
            metadata={"weight_version": "default"},
        ),
        chunks=[
            _chunk({"role": "assistant", "content": ""}, usage=None),
            _chunk({"role": None, "content": None, "reasoning_content": THOUGHT, "tool_calls": None}, usage=None),
            _chunk({"role": None, "content": TEXT, "reasoning_content": None, "tool_calls": None}, usage=None),
            _chunk({"content": None}, "stop", **_SGLANG_LAST),
            _counts(_SGLANG),
        ],
        calls=[
            _chunk({"role": "assistant", "content": ""}, usage=None),
            _chunk(_call({"name": "weather", "arguments": ""}, id="call_1", type="function"), usage=None),
            _chunk(_call({"name": None, "arguments": ARGUMENTS}, id=None, type="function"), usage=None),
            _chunk({"content": None}, "tool_calls", **_SGLANG_LAST),
            _counts(_SGLANG),
        ],
        error=(400, {"object": "error", "message": _TOO_LONG, "type": "BadRequestError", "param": None, "code": 400}, _TOO_LONG),
        own={"metadata": {"weight_version": "default"}},
        thinks="reasoning_content",
    ),
    "ollama": Server(
        whole=_whole({"reasoning": THOUGHT}, {}, system_fingerprint="fp_ollama", usage=_USAGE),
        chunks=[
            _chunk({"role": "assistant", "content": "", "reasoning": THOUGHT}, system_fingerprint="fp_ollama"),
            _chunk({"role": "assistant", "content": "Hello"}, system_fingerprint="fp_ollama"),
            _chunk({"role": "assistant", "content": " there"}, "stop", system_fingerprint="fp_ollama"),
        ],
        calls=[
            _chunk(_call({"name": "weather", "arguments": ARGUMENTS}, id="call_a", type="function")),
            _chunk({"role": "assistant", "content": ""}, "tool_calls"),
        ],
        error=(
            404,
            {"error": {"message": 'model "x" not found, try pulling it first', "type": "not_found_error", "param": None}},
            "try pulling it first",
        ),
        own={},
        thinks="reasoning",
        counted=False,
    ),
}  # fmt: skip
