"""Read a request to the Responses API into a conversation."""

from collections.abc import Mapping, Sequence
from typing import Any

from outgate.dialects.parameters import count, flag, number
from outgate.dialects.responses.convert_items import Items, lost_members
from outgate.dialects.responses.convert_parts import bad_form, kept_there, words
from outgate.dialects.responses.convert_tools import read_choice, read_tools
from outgate.dialects.responses.tables import REMEMBERED
from outgate.inference.conversation import Conversation, Format, Loss, Reasoning, Role, Sampling, Text, Turn

_READ = frozenset({
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning", "stream",
    "stream_options", "temperature", "top_p", "max_output_tokens", "top_logprobs", "user", "safety_identifier", "include",
})  # fmt: skip
_KEPT = (*REMEMBERED, "background")
_LOGPROBS, _ENCRYPTED = "message.output_text.logprobs", "reasoning.encrypted_content"
_KINDS = {"json_object": "json", "json_schema": "schema"}


def read_request(tree: Mapping[str, Any]) -> tuple[Conversation, Sequence[Loss]]:
    """The conversation that a body asks to be continued, and what no other dialect can say of it."""
    for name in _KEPT:
        if tree.get(name):
            raise kept_there(name)
    losses: list[Loss] = []
    items = Items(losses)
    items.read(tree.get("input"))
    before, turns = _split(items.turns)
    tools = [*read_tools(tree.get("tools"), "tools", losses), *items.tools]
    choice, tools = read_choice(tree, tools, losses)
    asked = Conversation(
        system=(*_instructions(tree), *before),
        turns=turns,
        tools=tuple(tools),
        choice=choice,
        format=_format(tree, losses),
        sampling=_sampling(tree, losses),
        reasoning=_reasoning(tree, losses),
        stream=flag(tree, "stream"),
        usage_wanted=True,
        user=words(tree, "user", "body") or words(tree, "safety_identifier", "body"),
    )
    lost_members(tree, _READ, "", losses)
    return asked, losses


def _split(turns: Sequence[Turn]) -> tuple[list[Text], tuple[Turn, ...]]:
    """What a developer or system says before all others, and the turns after it."""
    before: list[Text] = []
    for at, turn in enumerate(turns):
        texts = [part for part in turn.parts if isinstance(part, Text)]
        if turn.role is not Role.SYSTEM or len(texts) < len(turn.parts):
            return before, tuple(turns[at:])
        before += texts
    return before, ()


def _instructions(tree: Mapping[str, Any]) -> list[Text]:
    text = words(tree, "instructions", "body")
    return [Text(text)] if text else []


def _object(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = tree.get(name)
    if value is not None and not isinstance(value, dict):
        raise bad_form(name)
    return value or {}


def _format(tree: Mapping[str, Any], losses: list[Loss]) -> Format | None:
    text = _object(tree, "text")
    lost_members(text, ("format", *(["verbosity"] if text.get("verbosity") == "medium" else [])), "text", losses)
    given = _object(text, "format")
    kind = _KINDS.get(words(given, "type", "text.format"))
    if kind is None:
        return None
    schema, strict = given.get("schema"), given.get("strict")
    if kind == "json":
        return Format(kind)
    if not isinstance(schema, dict) or not (strict is None or isinstance(strict, bool)):
        raise bad_form("text.format")
    return Format(kind, words(given, "name", "text.format"), schema, strict, words(given, "description", "text.format"))


def _sampling(tree: Mapping[str, Any], losses: list[Loss]) -> Sampling:
    included = tree.get("include") or []
    if not isinstance(included, list):
        raise bad_form("include")
    losses += [Loss("members", "include") for each in included if each not in (_LOGPROBS, _ENCRYPTED)]
    alternatives = count(tree, "top_logprobs") if tree.get("top_logprobs") else None
    return Sampling(
        temperature=number(tree, "temperature"),
        top_p=number(tree, "top_p"),
        max_tokens=count(tree, "max_output_tokens"),
        logprobs=alternatives or (0 if _LOGPROBS in included else None),
    )


def _reasoning(tree: Mapping[str, Any], losses: list[Loss]) -> Reasoning | None:
    given = _object(tree, "reasoning")
    lost_members(given, ("effort", "summary", "generate_summary"), "reasoning", losses)
    effort, shown = words(given, "effort", "reasoning"), given.get("summary") or given.get("generate_summary")
    if not effort and not shown:
        return None
    return Reasoning("xhigh" if effort == "max" else effort, shown=bool(shown))
