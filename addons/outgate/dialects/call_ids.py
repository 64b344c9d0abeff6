"""Give each tool call of a conversation an id of its own, and let an answer that calls tools end for them.

Servers count calls from one again in each answer (`call_1`), or name none. Clients of an API that promises unique ids then take the
second call for the first one, repeated: an agent goes on as if it had been interrupted. Others say `stop` beside calls: an agent
that goes by the reason then runs no tool.
"""

from collections.abc import Iterator

from outgate.inference.conversation import Alternative, Answer, Call, Conversation, Finished, Part, PartBegun, StreamItem
from outgate.inference.stream import Finish


class CallIds:
    """The ids that a conversation has, those of its answer too. An id that is taken becomes another one, the same whenever the
    answer is read.
    """

    def __init__(self, asked: Conversation) -> None:
        self._asked = asked
        self._taken: set[str] | None = None
        self._calling: set[int] = set()

    def answer(self, answer: Answer) -> Answer:
        return answer._replace(alternatives=tuple(map(self._alternative, answer.alternatives)))

    def item(self, item: StreamItem) -> StreamItem:
        if isinstance(item, PartBegun) and isinstance(item.part, Call):
            self._calling.add(item.alternative)
            return item._replace(part=self._part(item.part))
        if isinstance(item, Finished) and item.alternative in self._calling:
            return item._replace(finish=_for_calls(item.finish))
        return item

    def _alternative(self, one: Alternative) -> Alternative:
        calls = any(isinstance(part, Call) for part in one.parts)
        return one._replace(parts=tuple(map(self._part, one.parts)), finish=_for_calls(one.finish) if calls else one.finish)

    def _part(self, part: Part) -> Part:
        return part._replace(id=self._own(part.id or "call_1")) if isinstance(part, Call) else part

    def _own(self, name: str) -> str:
        if self._taken is None:
            self._taken = set(_ids(self._asked))
        own, number = name, 1
        while own in self._taken:
            number += 1
            own = f"{name}_{number}"
        self._taken.add(own)
        return own


def _for_calls(finish: Finish) -> Finish:
    return Finish.TOOL_CALLS if finish is Finish.STOP else finish


def _ids(asked: Conversation) -> Iterator[str]:
    return (part.id for turn in asked.turns for part in turn.parts if isinstance(part, Call))
