"""Give each tool call of a conversation an id of its own.

Servers count calls from one again in each answer (`call_1`), or name none. Clients of an API that promises unique ids then take the
second call for the first one, repeated: an agent goes on as if it had been interrupted.
"""

from collections.abc import Iterator

from outgate.inference.conversation import Answer, Call, Conversation, Part, PartBegun, StreamItem


class CallIds:
    """The ids that a conversation has, those of its answer too. An id that is taken becomes another one, the same whenever the
    answer is read.
    """

    def __init__(self, asked: Conversation) -> None:
        self._asked = asked
        self._taken: set[str] | None = None

    def answer(self, answer: Answer) -> Answer:
        alternatives = (one._replace(parts=tuple(map(self._part, one.parts))) for one in answer.alternatives)
        return answer._replace(alternatives=tuple(alternatives))

    def item(self, item: StreamItem) -> StreamItem:
        return item._replace(part=self._part(item.part)) if isinstance(item, PartBegun) else item

    def _part(self, part: Part) -> Part:
        return part._replace(id=self._own(part.id)) if isinstance(part, Call) and part.id else part

    def _own(self, name: str) -> str:
        if self._taken is None:
            self._taken = set(_ids(self._asked))
        own, number = name, 1
        while own in self._taken:
            number += 1
            own = f"{name}_{number}"
        self._taken.add(own)
        return own


def _ids(asked: Conversation) -> Iterator[str]:
    return (part.id for turn in asked.turns for part in turn.parts if isinstance(part, Call))
