"""Words and tool calls of a streamed choice, from servers that send pieces, and from those that send all so far again each time.

A call is told from its first argument on, when its name is whole: a name may come in pieces, late, or again in every chunk. A call
ends where something else begins and its arguments are a whole object; until then more of it may come between other parts.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from outgate.dialects.openai.convert_parts import arguments_of

_SURE = 8
"""Characters after which a text that begins as the one before it is no chance."""
_LONGEST = 64 * 1024
"""Characters of arguments that are looked at for their end: longer ones go on until something says otherwise."""


class Words:
    """The text of one kind: `new` gives what of a text is new, None where it contradicts what was said. `whole` says that a text
    is all so far, unless it is seen not to be.
    """

    __slots__ = ("_grows", "_held", "_said", "_whole")

    def __init__(self) -> None:
        self._said = self._held = ""
        self._grows: bool | None = None
        self._whole = False

    def new(self, text: str, *, whole: bool = False) -> str | None:
        again = whole and not self._whole
        if self._grows is False:
            return "" if again else text
        if self._grows:
            return self._grown(text)
        if not self._said:
            self._said, self._whole = text, whole
            return text
        return self._second(text, whole=whole, again=again)

    def rest(self) -> str:
        """What was held until another text said whether it is new."""
        held, self._held = self._held, ""
        if held:
            self._grows = False
        return held

    def _second(self, text: str, *, whole: bool, again: bool) -> str | None:
        """The texts after the first decide: some pieces happen to begin as those before them."""
        last = self._held or self._said
        grows = text.startswith(last) and (whole or len(text) > len(last))
        if grows and (whole or self._held or len(last) >= _SURE):
            self._grows, self._held = True, ""
            return self._grown(text)
        if grows:
            self._held = text
            return ""
        self._grows = False
        return self.rest() + ("" if again else text)

    def _grown(self, text: str) -> str | None:
        if not text.startswith(self._said):
            return "" if self._said.startswith(text) else None
        new, self._said = text[len(self._said) :], text
        return new


class PendingCall:
    """A call so far: `at` is its part, -1 until it was told; `said` its arguments without those that are in doubt: from one on
    that begins as all before it, whether they are pieces is seen at the end.
    """

    __slots__ = ("_doubtful", "at", "custom", "ended", "id", "name", "said")

    def __init__(self, *, custom: bool) -> None:
        self.id = self.name = self.said = ""
        self.custom, self.at, self.ended = custom, -1, False
        self._doubtful: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether its arguments are an object."""
        return is_object(self._doubtful[-1] if self._doubtful else self.said)

    def precedes(self, called: str, name: str, said: str) -> bool:
        """Whether what is told now, under the same index, is another call."""
        if not name or self.custom:
            return bool(name and called and called != self.id)
        if called and self.id and called != self.id:
            return name != self.name or not self.said or self.whole
        if not self.whole or not said.strip():
            return False
        return name != self.name or said != self.said or not called

    def renamed(self, name: str) -> bool:
        """Take a name, whole, in part or again; whether it can be this call's."""
        if self.at < 0 and name.startswith(self.name):
            self.name = name
        elif self.at < 0:
            self.name += name
        return self.at < 0 or name in ("", self.name)

    def add(self, said: str) -> str | None:
        """The arguments that are new; None where they contradict those before."""
        if self.ended or (self.said[-1:] == "}" and not self.custom and self.whole):
            return "" if said.strip() in ("", self.said) else None
        if self._doubtful or (len(self.said) > 1 and not self.custom and said.startswith(self.said)):
            self._doubtful.append(said)
            return ""
        self.said += said
        return said

    def rest(self) -> str:
        """What was doubtful: pieces where they make an object, else what the last one says more."""
        if not self._doubtful:
            return ""
        pieces, last = "".join(self._doubtful), self._doubtful[-1]
        self._doubtful.clear()
        grown = last.startswith(self.said) and is_object(last) and not is_object(self.said + pieces)
        new = last[len(self.said) :] if grown else pieces
        self.said += new
        return new


def is_object(text: str) -> bool:
    """Whether a text is a JSON object, and of a length that is looked at."""
    if len(text) > _LONGEST or text.rstrip()[-1:] != "}":
        return False
    try:
        return isinstance(orjson.loads(text), dict)
    except ValueError:
        return False


def told(call: Mapping[str, Any]) -> tuple[bool, str, str]:
    """Of a call in a delta: whether it is one of a custom tool, the name and the arguments. Raises WireError."""
    custom = call.get("custom")
    if custom:
        return True, _word(custom.get("name")), _word(custom.get("input"))
    function = call.get("function") or {}
    return False, _word(function.get("name")), arguments_of(function)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
