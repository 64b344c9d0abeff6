"""Output ceilings: the most tokens a model can write, and the window that its input and output share.

Source: LiteLLM 1.110.2, model_prices_and_context_window (MIT), `max_output_tokens` and `max_input_tokens` of OpenAI's,
Anthropic's and Google's chat models, read on 2026-11-29. A name that is not listed has no ceiling here: one that is too high is
refused by providers, one that is too low cuts answers short.
"""

import re
from typing import NamedTuple

_DATED = re.compile(r"-20[0-9]{2}-?[01][0-9]-?[0-3][0-9]$")


class Ceiling(NamedTuple):
    """Tokens of output at most, and tokens of input and output together."""

    output: int
    window: int


_GPT_4O = """
    gpt-4o gpt-4o-mini gpt-4o-search-preview gpt-4o-mini-search-preview gpt-4o-audio-preview gpt-4o-mini-audio-preview gpt-5-chat
    gpt-5-chat-latest gpt-5.1-chat-latest gpt-5.2-chat-latest gpt-5.3-chat-latest gpt-audio gpt-audio-mini
"""
_GPT_5 = """
    gpt-5 gpt-5-mini gpt-5-nano gpt-5-codex gpt-5-search-api gpt-5.1 gpt-5.1-codex gpt-5.1-codex-mini gpt-5.1-codex-max gpt-5.2
    gpt-5.2-codex gpt-5.2-pro gpt-5.3-codex gpt-5.4-mini gpt-5.4-nano
"""
_GPT_LONG = """
    gpt-5.4 gpt-5.4-pro gpt-5.5 gpt-5.5-pro gpt-5.6 gpt-5.6-luna gpt-5.6-sol gpt-5.6-terra gpt-6-astra gpt-6-luna gpt-6-sol
    gpt-6.1-sol gpt-6.1-terra
"""
_CLAUDE_LONG = """
    claude-sonnet-4-6 claude-sonnet-5 claude-sonnet-5-5 claude-opus-4-6 claude-opus-4-7 claude-opus-4-8 claude-opus-5
    claude-opus-5-5 claude-haiku-5-5 claude-fable-5 claude-fable-5-1 claude-mythos-5 claude-mythos-5-1
"""
_ROWS = (
    (4_096, 8_192, "gpt-4"),
    (4_096, 16_385, "gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-3.5-turbo-1106 gpt-3.5-turbo-16k"),
    (4_096, 128_000, "gpt-4-turbo gpt-4-1106-preview gpt-4o-2024-05-13"),
    (16_384, 128_000, _GPT_4O),
    (32_768, 1_047_576, "gpt-4.1 gpt-4.1-mini gpt-4.1-nano"),
    (64_000, 200_000, "claude-haiku-4-5 claude-opus-4-5 claude-sonnet-4-5"),
    (65_535, 1_114_111, "gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite"),  # which share nothing: the sum of both
    (100_000, 200_000, "o1 o1-pro o3 o3-mini o3-pro o3-deep-research o4-mini o4-mini-deep-research"),
    (128_000, 400_000, _GPT_5),
    (272_000, 400_000, "gpt-5-pro"),
    (128_000, 1_050_000, _GPT_LONG),
    (128_000, 1_000_000, _CLAUDE_LONG),
)
_KNOWN = {name: Ceiling(output, window) for output, window, names in _ROWS for name in names.split()}


def ceiling_of(model: str) -> Ceiling | None:
    """The ceiling of a model, dated or not; None where it is not known."""
    return _KNOWN.get(model) or _KNOWN.get(_DATED.sub("", model))
