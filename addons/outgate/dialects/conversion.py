"""Conversion between two dialects: trees that a peer wrote, and answers on their way from a provider to a caller."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from outgate.dialects.answers import WIDE
from outgate.dialects.call_ids import CallIds
from outgate.dialects.json_body import dump, load
from outgate.dialects.lenient import carried
from outgate.dialects.refusals import failure_in
from outgate.dialects.registry import dialect, spec
from outgate.dialects.rules import EVERYTHING, free
from outgate.dialects.shapes import fitting
from outgate.dialects.translation import Converter, Lose
from outgate.dialects.unsaid import Unsaid
from outgate.errors import WireError
from outgate.inference.conversation import Answer, Begun, Conversation, Failure
from outgate.inference.operation import Operation
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, Finish

type Tree = Mapping[str, Any]

BROKEN = Failure(502, "", "The provider ended its answer with an error and said no more.")
_ANY = free(Channel.ASSISTANT, names=EVERYTHING, numbers=False)


def converter_of(name: str) -> Converter:
    """The converter of a dialect. Raises WireError where it has none."""
    converter = spec(name).converter
    if converter is None:
        raise WireError("untranslatable", f"nothing translates {name}")
    return converter


def converted[T](convert: Callable[[], T]) -> T:
    """What a converter makes of a tree that a peer wrote: whatever it stumbles over has not the dialect's form."""
    try:
        return convert()
    except WireError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise WireError("untranslatable", "the body has not the form of its dialect") from None


def tree_of(raw: bytes) -> Tree:
    """An object as SDKs would read it. Raises WireError."""
    try:
        tree, _ = load(raw, WIDE)
    except WireError:
        tree = carried(raw, _ANY, WIDE).document.tree
    if not isinstance(tree, dict):
        raise WireError("not_an_object", "the body is not a JSON object")
    return tree


class Way(NamedTuple):
    """From a provider's dialect to a caller's, which may be the same one."""

    operation: Operation
    api: str
    provider: Converter
    client: Converter
    asked: Conversation
    lose: Lose

    @property
    def own(self) -> bool:
        return self.api == self.operation.dialect

    def read(self, tree: Tree) -> Answer:
        return converted(lambda: self.provider.read_answer(fitting(tree, self.provider.answer_shape), self.lose))

    def written(self, answer: Answer) -> bytes:
        if self.client.says is not None:
            Unsaid(self.client.says, self.lose).answer(answer)
        told = CallIds(self.asked).answer(named(answer, self.asked.model))
        return dump(converted(lambda: self.client.write_answer(told, self.asked)))

    def rewritten(self, raw: bytes) -> bytes | list[Event]:
        """A whole answer for the caller, or the error that it is."""
        tree = tree_of(raw)
        failure = self.failure(tree)
        if failure is not None:
            return self.refused(failure, tree)
        answer = self.read(tree)
        return self.refused(BROKEN) if is_broken(answer) else self.written(answer)

    def failure(self, tree: Tree) -> Failure | None:
        """The error that a body under a status of success is."""
        return failure_in(tree, self.provider.answers, None if self.own else self.provider.read_failure)

    def refused(self, failure: Failure, tree: Tree | None = None) -> list[Event]:
        """An error for the caller, with its status; one in the caller's own dialect (`tree`) as it came."""
        decoder = dialect(self.operation.dialect).answer(self.operation, False, False, failure.status)
        told = tree if self.own and tree is not None else self.client.write_failure(failure)
        return [*decoder.feed(dump(told)), *decoder.end()]


def is_broken(answer: Answer) -> bool:
    """Whether every alternative ended with an error."""
    return all(each.finish is Finish.ERROR for each in answer.alternatives)


def named[T: (Answer, Begun)](told: T, model: str) -> T:
    """An answer, or the beginning of one, with the model that was asked where its dialect names none."""
    return told if told.model else told._replace(model=model)
