"""Read the items of an `input` into turns.

Neighbouring items of the model (reasoning, words, calls) are one turn, and so are neighbouring results. What refers to something
that is kept at the provider refuses the request: another provider has not got it, and the conversation would lose it in silence.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from outgate.dialects.free_text import wrapped
from outgate.dialects.responses.convert_parts import bad_form, kept_there, objects, read_contents, told, words
from outgate.dialects.responses.convert_tools import joined, read_tools
from outgate.dialects.responses.tables import REFERENCE
from outgate.dialects.seals import opened
from outgate.inference.conversation import Call, Loss, Media, Part, Result, Role, Text, Thought, Tool, Turn

_LOST = {
    **dict.fromkeys(("metadata", "client_metadata", "phase", "internal_chat_message_metadata_passthrough"), "metadata"),
    **dict.fromkeys(("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"), "cache_control"),
    **dict.fromkeys(("truncation", "context_management"), "context"),
    "service_tier": "service_tier",
    "store": "stored",
}
"""Members that another API has not, by what is lost with them; all others are `members`."""
_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "service_tier": ("auto", "default"),
    "truncation": ("disabled",),
    "caller": ({"type": "direct"},),
}
_ENVELOPE = frozenset({"type", "id", "status"})
_OUTPUT = frozenset({"call_id", "name", "namespace", "output"})
_MEMBERS = {
    "message": frozenset({"role", "content"}),
    "reasoning": frozenset({"summary", "content", "encrypted_content"}),
    "function_call": frozenset({"call_id", "name", "namespace", "arguments"}),
    "custom_tool_call": frozenset({"call_id", "name", "namespace", "input"}),
    "function_call_output": _OUTPUT,
    "custom_tool_call_output": _OUTPUT,
    "additional_tools": frozenset({"role", "tools"}),
}
_STATE = (REFERENCE, "compaction")
_NOT_SPOKEN = ("compaction_trigger", "configuration_update")
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM, "developer": Role.SYSTEM}


class Items:
    """The items of an `input`, read one after the other; `_names` are those of called tools, by call."""

    def __init__(self, losses: list[Loss]) -> None:
        self.turns: list[Turn] = []
        self.tools: list[Tool] = []
        self._losses = losses
        self._names: dict[str, str] = {}

    def read(self, given: Any) -> None:
        if isinstance(given, str):
            return self._say(Role.USER, [Text(given)])
        for at, item in enumerate(objects(given, "input")):
            self._item(item, f"input[{at}]")
        return None

    def _item(self, item: Mapping[str, Any], where: str) -> None:
        kind = words(item, "type", where) or ("message" if item.get("role") else REFERENCE)
        if kind in _STATE:
            raise kept_there(where)
        if kind not in _MEMBERS:
            self._losses.append(Loss("members" if kind in _NOT_SPOKEN else "hosted_tools", where))
            return
        lost_members(item, _MEMBERS[kind] | _ENVELOPE, where, self._losses)
        if kind == "message":
            self._message(item, where)
        elif kind == "additional_tools":
            self.tools += read_tools(item.get("tools"), f"{where}.tools", self._losses)
        elif kind.endswith("_output"):
            self._result(item, where)
        else:
            self._say(Role.ASSISTANT, [read_thought(item, where) if kind == "reasoning" else self._call(item, where)])

    def _message(self, item: Mapping[str, Any], where: str) -> None:
        role = _ROLES.get(words(item, "role", where))
        if role is None:
            raise bad_form(f"{where}.role")
        self._say(role, read_contents(item.get("content"), f"{where}.content", self._losses))

    def _call(self, item: Mapping[str, Any], where: str) -> Call:
        call = read_call(item, where)
        self._names[call.id] = call.name
        return call._replace(arguments=wrapped(call.arguments), custom=False) if call.custom else call

    def _result(self, item: Mapping[str, Any], where: str) -> None:
        call = words(item, "call_id", where)
        name = self._names.get(call) or joined(words(item, "namespace", where), words(item, "name", where))
        parts = read_contents(item.get("output"), f"{where}.output", self._losses)
        self._say(Role.USER, [Result(call, tuple(part for part in parts if isinstance(part, Text | Media)), name=name)])

    def _say(self, role: Role, parts: Sequence[Part]) -> None:
        """A turn, or more of the last one where that was the model's or holds results, too."""
        last = self.turns[-1] if self.turns else None
        if last and last.role is role and (role is Role.ASSISTANT or (_results(last.parts) and _results(parts))):
            self.turns[-1] = last._replace(parts=(*last.parts, *parts))
        elif parts:
            self.turns.append(Turn(role, tuple(parts)))


def _results(parts: Sequence[Part]) -> bool:
    return all(isinstance(part, Result) for part in parts)


def read_call(item: Mapping[str, Any], where: str) -> Call:
    """A call as its item tells it."""
    custom = item.get("type") == "custom_tool_call"
    name = joined(words(item, "namespace", where), words(item, "name", where))
    return Call(words(item, "call_id", where), name, words(item, "input" if custom else "arguments", where), custom)


def read_thought(item: Mapping[str, Any], where: str) -> Thought:
    """Reasoning: its words where the provider tells them, or their summary."""
    told_as = objects(item.get("content"), f"{where}.content") or objects(item.get("summary"), f"{where}.summary")
    text = "\n\n".join(words(part, "text", where) for part in told_as)
    return opened(text, words(item, "encrypted_content", where), "responses")._replace(rest={"id": words(item, "id", where)})


def lost_members(tree: Mapping[str, Any], known: Collection[str], where: str, losses: list[Loss]) -> None:
    """Tells of the members of an object that are not `known`, but for those that say what is so without them."""
    for name, value in tree.items():
        if name not in known and value not in (None, False, {}, []) and value not in _DEFAULTS.get(name, ()):
            losses.append(Loss(_LOST.get(name, "members"), told(where, name)))
